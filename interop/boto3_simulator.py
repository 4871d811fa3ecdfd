"""What boto3 sees of the simulator. Usage: boto3_simulator.py SIMULATOR"""

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
