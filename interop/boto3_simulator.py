"""What boto3 sees of the simulator. Usage: boto3_simulator.py SIMULATOR"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0"
client = boto3.client(
    "bedrock-runtime",
    region_name="us-east-1",
    endpoint_url=sys.argv[1],
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="for-the-simulator-only",
    config=Config(retries={"max_attempts": 1}, read_timeout=30),
)


def check(name, right, seen=None):
    print(("ok    " if right else "WRONG ") + name, flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def ask(text, **more):
    return {"modelId": DEMO, "messages": [{"role": "user", "content": [{"text": text}]}], **more}


tools = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}}]}

answer = client.converse(**ask("Hello?"))
blocks = answer["output"]["message"]["content"]
check("converse", answer["stopReason"] == "end_turn" and "Hello?" in blocks[1]["text"], answer)
check("its reasoning is signed", blocks[0]["reasoningContent"]["reasoningText"]["signature"], blocks)

text, thought, signature, stop, usage = "", "", None, None, None
for event in client.converse_stream(**ask("Hello?"))["stream"]:
    delta = event.get("contentBlockDelta", {}).get("delta", {})
    text += delta.get("text", "")
    thought += delta.get("reasoningContent", {}).get("text", "")
    signature = delta.get("reasoningContent", {}).get("signature", signature)
    stop = event.get("messageStop", {}).get("stopReason", stop)
    usage = event.get("metadata", {}).get("usage", usage)
check("converse_stream says the same", text == blocks[1]["text"], text)
check("its reasoning too", thought == blocks[0]["reasoningContent"]["reasoningText"]["text"] and signature, thought)
check("stop and usage", stop == "end_turn" and usage["totalTokens"] > 0, (stop, usage))

called = client.converse(**ask("What is the weather?", toolConfig=tools))
check("tools", called["output"]["message"]["content"][-1]["toolUse"]["input"] == {"city": "Paris"}, called)
redacted = client.converse(**ask("[[fault:redacted]]"))
check("redacted reasoning", redacted["output"]["message"]["content"][0]["reasoningContent"]["redactedContent"])
try:
    client.converse(**ask("[[fault:throttling]]"))
    check("an error", False)
except ClientError as error:
    check("an error", error.response["Error"]["Code"] == "ThrottlingException", error.response)
try:
    list(client.converse_stream(**ask("[[fault:mid-stream-exception]]"))["stream"])
    check("an exception in a stream", False)
except EventStreamError as error:
    check("an exception in a stream", "modelStreamErrorException" in str(error), error)


def own(text, **more):
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4096,
                       "messages": [{"role": "user", "content": text}], **more})


SONNET_4 = "anthropic.claude-sonnet-4-20250514-v1:0"
thinks = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
invoked = client.invoke_model(modelId=SONNET_4, body=own("Hello?", **thinks))
message = json.loads(invoked["body"].read())
check("invoke_model", [block["type"] for block in message["content"]] == ["thinking", "text"], message)
counts = invoked["ResponseMetadata"]["HTTPHeaders"]
check("its counts", counts["x-amzn-bedrock-input-token-count"] == str(message["usage"]["input_tokens"]), counts)
text, signature, last = "", None, None
for event in client.invoke_model_with_response_stream(modelId=SONNET_4, body=own("Hello?", **thinks))["body"]:
    last = json.loads(event["chunk"]["bytes"])
    delta = last.get("delta", {})
    text += delta.get("text", "")
    signature = delta.get("signature", signature)
check("invoke_model_with_response_stream says the same", text == message["content"][1]["text"], text)
check("its signature too", signature == message["content"][0]["signature"], signature)
check("its metrics", last["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == message["usage"]["output_tokens"])
try:
    list(client.invoke_model_with_response_stream(modelId=SONNET_4, body=own("[[fault:mid-stream-exception]]"))["body"])
    check("an exception in its stream", False)
except EventStreamError as error:
    check("an exception in its stream", "modelStreamErrorException" in str(error), error)
counted = client.count_tokens(modelId=SONNET_4, input={"invokeModel": {"body": own("Hello?", **thinks)}})
check("count_tokens", counted["inputTokens"] == message["usage"]["input_tokens"], counted)
counted = client.count_tokens(modelId=SONNET_4, input={"converse": {"messages": ask("Hello?")["messages"]}})
check("count_tokens of converse", counted["inputTokens"] == message["usage"]["input_tokens"], counted)
control = boto3.client("bedrock", region_name="us-east-1", endpoint_url=sys.argv[1],
                       aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="for-the-simulator-only")
profiles = [profile for page in control.get_paginator("list_inference_profiles").paginate(
    PaginationConfig={"PageSize": 50}) for profile in page["inferenceProfileSummaries"]]
check("list_inference_profiles", len(profiles) > 100, len(profiles))
found = control.get_inference_profile(inferenceProfileIdentifier=profiles[0]["inferenceProfileId"])
check("get_inference_profile", found["models"] == profiles[0]["models"], found)
