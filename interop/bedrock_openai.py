"""AWS's SDK for Python and Anthropic's before a gateway whose only backend speaks OpenAI's Chat Completions.

Usage: bedrock_openai.py GATEWAY SIMULATOR
"""

import json
import sys

import anthropic
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

GATEWAY = sys.argv[1]
KEY = "key-of-bedrock-api"
DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0"
SONNET_4 = "anthropic.claude-sonnet-4-20250514-v1:0"
TOOLS = {"tools": [{"toolSpec": {"name": "get_weather", "description": "Weather.", "inputSchema": {"json": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}}]}
THINKS = {"thinking": {"type": "enabled", "budget_tokens": 2048}}


def check(name, right, seen=None):
    print(("ok    " if right else "WRONG ") + name, flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def put_together(events):
    """The answer that a stream comes to."""
    content, answer, arguments = [], {}, {}
    for event in events:
        if "contentBlockStart" in event:
            content.append(event["contentBlockStart"]["start"])
        elif "contentBlockDelta" in event:
            at, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
            if at == len(content):
                content.append({})
            block = content[at]
            if "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            elif "toolUse" in delta:
                arguments[at] = arguments.get(at, "") + delta["toolUse"]["input"]
            elif "redactedContent" in delta["reasoningContent"]:
                block["reasoningContent"] = delta["reasoningContent"]
            else:
                thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
                for member, more in delta["reasoningContent"].items():
                    thought[member] = thought.get(member, "") + more
        elif "messageStop" in event:
            answer["stopReason"] = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            answer["usage"] = event["metadata"]["usage"]
    for at, said in arguments.items():
        content[at]["toolUse"]["input"] = json.loads(said)
    return {**answer, "output": {"message": {"role": "assistant", "content": content}}}


client = boto3.client(
    "bedrock-runtime", region_name="us-east-1", endpoint_url=GATEWAY,
    aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="for-the-simulator-only",
    config=Config(retries={"max_attempts": 1}, read_timeout=30))
client.meta.events.register("before-sign.*.*", lambda request, **_: request.headers.add_header("x-api-key", KEY))


def whole(**asked):
    return client.converse(**asked)


def streamed(**asked):
    return put_together(client.converse_stream(**asked)["stream"])


def user(*content):
    return {"role": "user", "content": list(content)}


for way, ask in (("converse", whole), ("converse_stream", streamed)):
    told = ask(modelId=DEMO, system=[{"text": "Be brief."}], messages=[user({"text": "Hello?"})],
               inferenceConfig={"maxTokens": 500, "temperature": 0.5, "stopSequences": ["NEVER"]})
    text = told["output"]["message"]["content"][-1].get("text")
    usage = told["usage"]
    check(way, text and told["stopReason"] == "end_turn", told)
    check(way + ": usage", usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 0, usage)

    # A loop of two turns with reasoning and a tool: Bedrock, behind both gateways, checks the seals that come back.
    asked = {"modelId": SONNET_4, "toolConfig": TOOLS, "additionalModelRequestFields": THINKS,
             "inferenceConfig": {"maxTokens": 8000}}
    messages = [user({"text": "What is the weather?"})]
    first = ask(messages=messages, **asked)
    message = first["output"]["message"]
    kinds = [next(iter(block)) for block in message["content"]]
    check(way + ": reasons and calls", kinds[0] == "reasoningContent" and kinds[-1] == "toolUse"
          and first["stopReason"] == "tool_use", first)
    thought = message["content"][0]["reasoningContent"]["reasoningText"]
    check(way + ": the thought has a seal", thought["text"] and thought["signature"], thought)
    call = message["content"][-1]["toolUse"]
    check(way + ": the call", call["name"] == "get_weather" and call["input"] == {"city": "Paris"}, call)
    messages += [message, user({"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "18 degrees"}]}})]
    second = ask(messages=messages, **asked)
    kinds = [next(iter(block)) for block in second["output"]["message"]["content"]]
    check(way + ": goes on", "text" in kinds and second["stopReason"] == "end_turn", second)

try:
    client.converse(modelId=DEMO, messages=[user({"text": "[[fault:validation]]"})])
    check("an error", False)
except ClientError as error:
    check("an error", error.response["Error"]["Code"] == "ValidationException", error.response)
try:
    list(client.converse_stream(modelId=DEMO, messages=[user({"text": "[[fault:mid-stream-exception]]"})])["stream"])
    check("an exception in a stream", False)
except EventStreamError as error:
    check("an exception in a stream", "Exception" in str(error), error)
for operation, call in (("invoke_model", lambda: client.invoke_model(modelId=DEMO, body="{}")),):
    try:
        call()
        check(operation + " is refused", False)
    except ClientError as error:
        told = error.response["Error"]
        check(operation + " is refused", told["Code"] == "ValidationException" and "Converse" in told["Message"], told)

claude = anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, max_retries=0)
tools = [{"name": "get_weather", "input_schema": TOOLS["tools"][0]["toolSpec"]["inputSchema"]["json"]}]
asked = {"model": SONNET_4, "max_tokens": 8000, "tools": tools, "thinking": {"type": "enabled", "budget_tokens": 2048}}
messages = [{"role": "user", "content": "What is the weather?"}]
with claude.messages.stream(messages=messages, **asked) as stream:
    final = stream.get_final_message()
check("Messages", final.content[0].type == "thinking" and final.content[-1].input == {"city": "Paris"}, final)
messages += [{"role": "assistant", "content": final.content},
             {"role": "user", "content": [{"type": "tool_result", "tool_use_id": final.content[-1].id, "content": "18"}]}]
final = claude.messages.create(messages=messages, **asked)
check("Messages go on", final.content[-1].type == "text" and final.stop_reason == "end_turn", final)
