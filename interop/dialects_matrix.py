"""A conversation of six turns with tools, begun in each dialect and continued in each other one: what becomes of its signed thoughts.

The client carries the conversation: after the third turn it says it in the other dialect's words. Chat, Messages and Converse
have words for a thought and its signature; Responses has a seal, which only the gateway opens: between it and another dialect
the client carries the words and the calls alone, and the gateway puts the thoughts of turns with calls back from what it
remembers. The table that this prints stands in docs/responses.md.

Usage: dialects_matrix.py CONVERSE INVOKE SIMULATOR
"""

import json
import sys

import anthropic
import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError

sys.dont_write_bytecode = True
from loops_messages import CONVERSE, INVOKE, RESULT, SCHEMA  # noqa: E402
from loops_messages import again, blocks, check, is_thought, question, requests  # noqa: E402

KEY = "key-of-anthropic"
ROADS = {"converse": CONVERSE, "invoke": INVOKE}
BUDGET, HIDING = "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-opus-5"
SAME = {"max_retries": 0, "timeout": 30}
MOST = 8000


class Chat:
    """Thoughts in `reasoning_details`."""

    def __init__(self, url, model):
        self.client = openai.OpenAI(base_url=url + "/v1", api_key=KEY, **SAME)
        self.asked = {"model": model, "reasoning_effort": "low", "max_completion_tokens": MOST, "tools": [
            {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]}

    def ask(self, turns):
        messages = [message for turn in turns for message in self.said(turn)]
        message = self.client.chat.completions.create(messages=messages, **self.asked).choices[0].message
        thoughts = [self.thought(detail) for detail in message.model_extra.get("reasoning_details") or []]
        calls = [("call", call.id, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        return [*thoughts, ("text", message.content), *calls]

    def thought(self, detail):
        if detail["type"] == "reasoning.encrypted":
            return "redacted", detail["data"]
        return "thought", detail.get("text", ""), detail["signature"]

    def said(self, turn):
        if turn[0][0] == "result":
            return [{"role": "tool", "tool_call_id": part[1], "content": RESULT} for part in turn]
        if turn[0][0] == "user":
            return [{"role": "user", "content": turn[0][1]}]
        message = {"role": "assistant", "content": "".join(part[1] for part in turn if part[0] == "text")}
        details = [self.detail(part, index) for index, part in enumerate(turn) if part[0] in ("thought", "redacted")]
        calls = [{"id": part[1], "type": "function", "function": {"name": "get_weather", "arguments": json.dumps(part[2])}}
                 for part in turn if part[0] == "call"]
        return [message | ({"reasoning_details": details} if details else {}) | ({"tool_calls": calls} if calls else {})]

    def detail(self, part, index):
        if part[0] == "redacted":
            return {"type": "reasoning.encrypted", "data": part[1], "index": index}
        return {"type": "reasoning.text", "text": part[1], "signature": part[2], "index": index}


class Messages:
    """Thoughts as blocks with their signatures."""

    def __init__(self, url, model):
        self.client = anthropic.Anthropic(base_url=url, api_key=KEY, **SAME)
        thinking = {"type": "enabled", "budget_tokens": 2000} if model == BUDGET else {"type": "adaptive"}
        if model == HIDING:
            thinking["display"] = "summarized"
        self.asked = {"model": model, "max_tokens": MOST, "thinking": thinking, "tools": [{"name": "get_weather", "input_schema": SCHEMA}]}

    def ask(self, turns):
        messages = [{"role": "assistant" if turn[0][0] not in ("user", "result") else "user",
                     "content": [self.block(part) for part in turn]} for turn in turns]
        return [self.part(block) for block in self.client.messages.create(messages=messages, **self.asked).content]

    def part(self, block):
        match block.type:
            case "thinking":
                return "thought", block.thinking, block.signature
            case "redacted_thinking":
                return "redacted", block.data
            case "tool_use":
                return "call", block.id, block.input
        return "text", block.text

    def block(self, part):
        match part:
            case ("thought", text, signature):
                return {"type": "thinking", "thinking": text, "signature": signature}
            case ("redacted", data):
                return {"type": "redacted_thinking", "data": data}
            case ("call", name, given):
                return {"type": "tool_use", "id": name, "name": "get_weather", "input": given}
            case ("result", name):
                return {"type": "tool_result", "tool_use_id": name, "content": RESULT}
        return {"type": "text", "text": part[1]}


class Responses:
    """Thoughts as items with a seal."""

    def __init__(self, url, model):
        self.client = openai.OpenAI(base_url=url + "/v1", api_key=KEY, **SAME)
        self.asked = {"model": model, "reasoning": {"effort": "low", "summary": "auto"}, "store": False, "max_output_tokens": MOST,
                      "include": ["reasoning.encrypted_content"],
                      "tools": [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]}

    def ask(self, turns):
        given = [item for turn in turns for part in turn for item in self.items(part)]
        return [part for item in self.client.responses.create(input=given, **self.asked).output for part in self.parts(item)]

    def parts(self, item):
        match item.type:
            case "reasoning":
                return [("sealed", item.model_dump(exclude_none=True))]
            case "function_call":
                return [("call", item.call_id, json.loads(item.arguments))]
        return [("text", part.text) for part in item.content]

    def items(self, part):
        match part:
            case ("sealed", item):
                return [item]
            case ("thought", text, signature):
                return [{"type": "reasoning", "id": "rs_carried", "summary": [{"type": "summary_text", "text": text}], "encrypted_content": signature}]
            case ("user", text):
                return [{"role": "user", "content": text}]
            case ("text", text):
                return [{"role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": []}], "type": "message"}]
            case ("call", name, given):
                return [{"type": "function_call", "call_id": name, "name": "get_weather", "arguments": json.dumps(given)}]
            case ("result", name):
                return [{"type": "function_call_output", "call_id": name, "output": RESULT}]
        return []


class Converse:
    """Thoughts as `reasoningContent`, in the body that goes on as it came."""

    def __init__(self, url, model):
        self.client = boto3.client(
            "bedrock-runtime", region_name="us-east-1", endpoint_url=url, aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="for-the-simulator-only", config=Config(retries={"max_attempts": 1}, read_timeout=30))
        self.client.meta.events.register("before-sign.*.*", lambda request, **_: request.headers.add_header("x-api-key", KEY))
        own = {"thinking": {"type": "enabled", "budget_tokens": 2000}} if model == BUDGET else {"thinking": {"type": "adaptive"}}
        if model == HIDING:
            own["thinking"]["display"] = "summarized"
        self.asked = {"modelId": model, "additionalModelRequestFields": own, "inferenceConfig": {"maxTokens": MOST},
                      "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": SCHEMA}}}]}}

    def ask(self, turns):
        messages = [{"role": "assistant" if turn[0][0] not in ("user", "result") else "user",
                     "content": [self.block(part) for part in turn]} for turn in turns]
        return [self.part(block) for block in self.client.converse(messages=messages, **self.asked)["output"]["message"]["content"]]

    def part(self, block):
        match block:
            case {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}:
                return "thought", text, signature
            case {"reasoningContent": {"redactedContent": data}}:
                return "redacted", data
            case {"toolUse": call}:
                return "call", call["toolUseId"], call["input"]
        return "text", block["text"]

    def block(self, part):
        match part:
            case ("thought", text, signature):
                return {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
            case ("redacted", data):
                return {"reasoningContent": {"redactedContent": data}}
            case ("call", name, given):
                return {"toolUse": {"toolUseId": name, "name": "get_weather", "input": given}}
            case ("result", name):
                return {"toolResult": {"toolUseId": name, "content": [{"text": RESULT}]}}
        return {"text": part[1]}


DIALECTS = [Chat, Messages, Responses, Converse]


def carried(turns, begun, continued):
    """The turns as the other dialect can hold them: a seal of Responses as redacted reasoning, a signature in place of a seal."""
    if begun is continued:
        return turns
    return [[("redacted", part[1]["encrypted_content"]) if part[0] == "sealed" else part for part in turn] for turn in turns]


def in_one_form(content):
    """A turn's blocks in the words of neither of Bedrock's APIs."""
    told = []
    for block in content:
        readable = block.get("reasoningContent", {}).get("reasoningText")
        if readable:
            told.append(("thought", readable["text"], readable["signature"]))
        elif block.get("type") == "thinking":
            told.append(("thought", block["thinking"], block["signature"]))
        elif is_thought(block):
            told.append(("redacted", block.get("data") or block["reasoningContent"]["redactedContent"]))
        elif "toolUse" in block or block.get("type") == "tool_use":
            call = block.get("toolUse") or block
            # Clients of each dialect have ids of their own form.
            told.append(("call", call["name"], call["input"]))
        else:
            told.append(("text", block["text"]))
    return told


def fate(road, begun, continued):
    """What becomes of the thoughts of the first three turns."""
    if begun is continued or continued is not Responses:
        return "carried"
    # A signature says whose it is in Messages over Converse alone: others are dropped, and put back from memory.
    return "carried" if begun is Messages and road == "converse" else "restored"


def without_thoughts(turn):
    return [part for part in turn if part[0] not in ("thought", "redacted")]


def speak(url, model, begun, continued, text):
    """Six turns of the model. Each loop has two of them, a call and an answer; what is asked next has a tool called again."""
    turns, speaks = [[("user", text)]], begun(url, model)
    for number in range(6):
        if number == 3:
            turns, speaks = carried(turns, begun, continued), continued(url, model)
        turn = speaks.ask(turns)
        turns.append(turn)
        results = [("result", part[1]) for part in turn if part[0] == "call"]
        turns.append(results or [("user", "And what is the weather tomorrow?")])


def cell(road, url, model, begun, continued):
    """What reached Bedrock in the later turns has the thoughts of the earlier ones, as they were signed."""
    name = f"{road}, {model}, begun in {begun.__name__}, continued in {continued.__name__}"
    text, mark = question("matrix", "What is the weather?")
    becomes = fate(road, begun, continued)
    try:
        speak(url, model, begun, continued, text)
    except ClientError as error:
        return check(f"{name}: {becomes}", False, error.response["Error"])
    seen = requests(mark)
    check(f"{name}: six calls", len(seen) == 6, [it["path"] for it in seen])
    thoughts = 0
    for number, earlier in enumerate(seen[:-1]):
        answer = in_one_form(again(earlier))
        thoughts += answer != without_thoughts(answer)
        calls = any(part[0] == "call" for part in answer)
        for at, later in enumerate(seen[number + 1 :], number + 1):
            turn = in_one_form(blocks(later["body"]["messages"][len(earlier["body"]["messages"])]))
            gone = becomes == "restored" and number < 3 <= at and not calls
            expected = without_thoughts(answer) if gone else answer
            check(f"{name}: turn {number + 1} is before the model in call {at + 1}", turn == expected, (turn, answer))
    check(f"{name}: {becomes}", thoughts >= 3, thoughts)


for road, url, models in [("converse", CONVERSE, [BUDGET, HIDING]), ("invoke", INVOKE, [HIDING])]:
    for model in models:
        for begun in DIALECTS:
            for continued in DIALECTS:
                cell(road, url, model, begun, continued)
print("| begun in, over Converse | " + " | ".join(continued.__name__ for continued in DIALECTS) + " |")
for begun in DIALECTS:
    print(f"| {begun.__name__} | " + " | ".join(fate("converse", begun, continued) for continued in DIALECTS) + " |")
