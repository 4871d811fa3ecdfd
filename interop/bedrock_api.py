"""AWS's SDK for Python, Anthropic's and LangChain before the gateway's Bedrock API: every answer is the simulator's own.

Usage: bedrock_api.py GATEWAY SIMULATOR
"""

import json
import sys

import anthropic
import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from langchain_aws import ChatBedrockConverse
from langchain_core.messages import HumanMessage, ToolMessage

GATEWAY, SIMULATOR = sys.argv[1:3]
KEY = "key-of-bedrock-api"
DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0"
SONNET_4 = "anthropic.claude-sonnet-4-20250514-v1:0"


def check(name, right, seen=None):
    print(("ok    " if right else "WRONG ") + name, flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def client(endpoint, key=None, service="bedrock-runtime"):
    made = boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="for-the-simulator-only",
        config=Config(retries={"max_attempts": 1}, read_timeout=30),
    )
    if key:
        # Over HTTPS the variable AWS_BEARER_TOKEN_BEDROCK does this; over HTTP the SDK refuses to.
        made.meta.events.register("before-sign.*.*", lambda request, **_: request.headers.add_header("x-api-key", key))
    return made


def plainly(told):
    """An answer without what differs from one to the next."""
    return {name: value for name, value in told.items() if name not in ("ResponseMetadata", "metrics", "stream", "body")}


def events(stream):
    return [event for event in stream if "metadata" not in event]


def ask(text, **more):
    return {"modelId": DEMO, "messages": [{"role": "user", "content": [{"text": text}]}], **more}


def own(text, **more):
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4096,
                       "messages": [{"role": "user", "content": text}], **more})


gateway, simulator = client(GATEWAY, KEY), client(SIMULATOR)
tools = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}}]}
thinks = {"thinking": {"type": "enabled", "budget_tokens": 1024}}

for name, asked in (("converse", ask("Hello?")), ("converse with tools", ask("What is the weather?", toolConfig=tools)),
                    ("redacted reasoning", ask("[[fault:redacted]]"))):
    check(name, plainly(gateway.converse(**asked)) == plainly(simulator.converse(**asked)))
    seen, expected = (events(each.converse_stream(**asked)["stream"]) for each in (gateway, simulator))
    check(name + ", streamed", seen == expected, seen)
seen, expected = (json.loads(each.invoke_model(modelId=SONNET_4, body=own("Hello?", **thinks))["body"].read())
                  for each in (gateway, simulator))
check("invoke_model", seen["content"] == expected["content"] and seen["usage"] == expected["usage"], seen)
heads = gateway.invoke_model(modelId=SONNET_4, body=own("Hello?", **thinks))["ResponseMetadata"]["HTTPHeaders"]
check("its counts", heads["x-amzn-bedrock-input-token-count"] == str(seen["usage"]["input_tokens"]), heads)
texts = []
for each in (gateway, simulator):
    chunks = each.invoke_model_with_response_stream(modelId=SONNET_4, body=own("Hello?", **thinks))["body"]
    texts.append([json.loads(event["chunk"]["bytes"]).get("delta") for event in chunks])
check("invoke_model_with_response_stream", texts[0] == texts[1], texts[0])
counted = [each.count_tokens(modelId=SONNET_4, input={"invokeModel": {"body": own("Hello?")}})["inputTokens"]
           for each in (gateway, simulator)]
check("count_tokens", counted[0] == counted[1] > 0, counted)
try:
    gateway.converse(**ask("[[fault:validation]]"))
    check("an error", False)
except ClientError as error:
    try:
        simulator.converse(**ask("[[fault:validation]]"))
    except ClientError as expected:
        check("an error", error.response["Error"] == expected.response["Error"], error.response)
for fault, call in (("[[fault:mid-stream-exception]]", lambda: gateway.converse_stream(**ask("[[fault:mid-stream-exception]]"))["stream"]),
                    ("of InvokeModel", lambda: gateway.invoke_model_with_response_stream(
                        modelId=SONNET_4, body=own("[[fault:mid-stream-exception]]"))["body"])):
    try:
        list(call())
        check("an exception in a stream", False)
    except EventStreamError as error:
        check("an exception in a stream", "modelStreamErrorException" in str(error), error)
try:
    client(GATEWAY).converse(**ask("Hello?"))
    check("a signature alone", False)
except ClientError as error:
    told = error.response["Error"]
    check("a signature alone", told["Code"] == "AccessDeniedException" and "AWS_BEARER_TOKEN_BEDROCK" in told["Message"], told)
try:
    gateway.converse(**{**ask("Hello?"), "modelId": "nobody.serves-this"})
    check("a model that nobody serves", False)
except ClientError as error:
    check("a model that nobody serves", error.response["Error"]["Code"] == "ResourceNotFoundException", error.response)
control = client(GATEWAY, KEY, "bedrock")
check("list_inference_profiles", "inferenceProfileSummaries" in control.list_inference_profiles(typeEquals="SYSTEM_DEFINED"))
found = control.get_inference_profile(inferenceProfileIdentifier=SONNET_4)
check("get_inference_profile", found["models"][0]["modelArn"].endswith(SONNET_4), found)

# Anthropic's SDK names a newer version of its API for every model; an older Claude does not know it.
claude = anthropic.AnthropicBedrock(base_url=GATEWAY, api_key=KEY, aws_region="us-east-1", max_retries=0)
asked = {"model": SONNET_4, "max_tokens": 4096, "messages": [{"role": "user", "content": "Hello?"}],
         "thinking": {"type": "enabled", "budget_tokens": 1024}}
whole = claude.messages.create(**asked)
check("AnthropicBedrock", [block.type for block in whole.content] == ["thinking", "text"], whole)
with claude.messages.stream(**asked) as stream:
    final = stream.get_final_message()
check("AnthropicBedrock, streamed", final.content[1].text == whole.content[1].text and final.stop_reason == "end_turn"
      and final.content[0].signature == whole.content[0].signature, final)

chat = ChatBedrockConverse(model=DEMO, client=gateway, max_tokens=500)
bound = chat.bind_tools([{"name": "get_weather", "description": "Weather.", "input_schema": {
    "type": "object", "properties": {"city": {"type": "string"}}}}])
question = HumanMessage("What is the weather?")
answer = bound.invoke([question])
check("ChatBedrockConverse calls a tool", answer.tool_calls[0]["args"] == {"city": "Paris"}, answer)
result = ToolMessage("18 degrees", tool_call_id=answer.tool_calls[0]["id"])
check("and goes on", bound.invoke([question, answer, result]).content)
gathered = None
for part in bound.stream([question]):
    gathered = part if gathered is None else gathered + part
check("and streams", gathered.tool_calls[0]["args"] == {"city": "Paris"}, gathered)

# What boto3 does not send.
body = json.dumps({"messages": ask("Hello?")["messages"]})
path = f"/model/{DEMO}/converse"
seen = httpx.post(GATEWAY + path, content=body, headers={"authorization": f"Bearer {KEY}"})
check("a raw colon in the path and a bearer", seen.status_code == 200 and "output" in seen.json(), seen.text)
