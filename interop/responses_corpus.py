"""Does OpenAI's SDK understand every recorded answer of Bedrock as it was recorded, told in Responses, however it is cut?

Usage: responses_corpus.py ANSWERS
"""

import asyncio
import sys

import openai
from openai import _base_client

import corpus

HTTP = getattr(_base_client, "httpx2", None) or _base_client.httpx
ASKED = {"model": "m", "input": "Hi."}
INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


def told(value, name=None):
    """The members of items that the gateway told, and not those that an SDK adds; arguments however they are spaced."""
    if isinstance(value, list):
        return [told(one) for one in value]
    if isinstance(value, dict):
        added = ("parsed", "parsed_arguments", "caller", "namespace")
        return {name: told(one, name) for name, one in value.items() if one is not None and name not in added}
    return corpus.parsed(value) if name == "arguments" else value


def neutral(item):
    """An item as a recording has it; what is sealed in a thought is not readable, but that it is sealed."""
    if item["type"] == "message":
        return {"text": "".join(part["text"] for part in item["content"])}
    if item["type"] == "reasoning":
        text = "".join(part["text"] for part in [*(item.get("summary") or []), *(item.get("content") or [])])
        assert item.get("encrypted_content"), f"{item} is not sealed"
        return {"thinking": text}
    if item["type"] == "function_call":
        return {"call": item["call_id"], "name": item["name"], "input": corpus.parsed(item["arguments"])}
    return {"server": item["type"]}


def of_items(blocks):
    """The blocks of a recording as items have them: text up to other content is one message."""
    items = []
    for block in blocks:
        if "redacted" in block:
            items.append({"thinking": ""})
        elif "thinking" in block:
            items += [{"thinking": block["thinking"]}] if block["thinking"] or block.get("signature") else []
        elif "text" in block and items and "text" in items[-1]:
            items[-1] = {"text": items[-1]["text"] + block["text"]}
        else:
            items.append(block)
    return items


def compare_items(answer, items):
    items = [neutral(item) for item in items]
    expected = of_items(answer["said"]["blocks"])
    if "tag" in answer:
        tags = (f"<{answer['tag']}>", f"</{answer['tag']}>")
        items, expected = corpus.loose(items, tags), corpus.loose(expected, tags)
    else:
        items, expected = corpus.items(items), corpus.items(expected)
    assert items == expected, f"{items}\nis not\n{expected}"


def compare(answer, response):
    seen = response.model_dump(mode="json", warnings=False)
    compare_items(answer, seen["output"])
    reason = INCOMPLETE.get(answer["said"]["stop"])
    assert seen["status"] == ("incomplete" if reason else "completed"), seen["status"]
    assert (seen["incomplete_details"] or {}).get("reason") == reason, seen["incomplete_details"]
    usage = seen["usage"] or {"input_tokens": 0, "output_tokens": 0}
    assert usage["input_tokens"] == corpus.prompt(answer), f"{usage}"
    assert usage["output_tokens"] == corpus.tokens(answer, "outputTokens"), f"{usage}"
    if "whole" in answer and "tag" not in answer:
        whole = answer["whole"] if seen["usage"] else {**answer["whole"], "usage": None}
        assert told(seen) == told(whole), f"{told(seen)}\nis not\n{told(whole)}"


class Watched:
    """What a stream's events say, beside the response that the SDK puts together."""

    def __init__(self):
        self.text, self.thoughts, self.arguments, self.done, self.last, self.number = "", "", "", [], None, -1

    def take(self, event):
        assert event.sequence_number == self.number + 1, f"{event.type} is number {event.sequence_number}"
        self.number = event.sequence_number
        if event.type == "response.output_text.delta":
            self.text += event.delta
        elif event.type in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            self.thoughts += event.delta
        elif event.type == "response.function_call_arguments.delta":
            self.arguments += event.delta
        elif event.type == "response.output_item.done":
            self.done.append(event.item.model_dump(mode="json", warnings=False))
        elif event.type in ("response.completed", "response.incomplete", "response.failed"):
            assert self.last is None, "two ends"
            self.last = event.response

    def check(self, answer, final):
        if "failure" in answer:
            assert self.last.status == "failed" and self.last.error.code and self.last.error.message, self.last
            assert answer["failure"] in self.last.error.message, self.last.error
            return
        compare(answer, self.last)
        output = self.last.model_dump(mode="json", warnings=False)["output"]
        assert told(output) == told(self.done) or self.last.status == "incomplete", self.done
        if final is not None:
            compare(answer, final)
            assert final.output_text == self.text
        assert self.arguments == "".join(item["arguments"] for item in output if item["type"] == "function_call")


def checks():
    wire = corpus.Wire(HTTP, "x-request-id")
    client = openai.OpenAI(base_url="http://gateway", api_key="key", max_retries=0, http_client=wire.client)
    later = openai.AsyncOpenAI(base_url="http://gateway", api_key="key", max_retries=0, http_client=wire.async_client)
    loop = asyncio.new_event_loop()

    def ended(answer):
        return "failure" not in answer and answer["said"]["stop"] not in INCOMPLETE

    def helped(answer):
        seen = Watched()
        with client.responses.stream(**ASKED) as stream:
            for event in stream:
                seen.take(event)
            # The helper knows no other end.
            final = stream.get_final_response() if ended(answer) else None
        seen.check(answer, final)

    async def helped_later(answer):
        seen = Watched()
        async with later.responses.stream(**ASKED) as stream:
            async for event in stream:
                seen.take(event)
            final = await stream.get_final_response() if ended(answer) else None
        seen.check(answer, final)

    def plain(answer):
        seen = Watched()
        for event in client.responses.create(**ASKED, stream=True):
            seen.take(event)
        seen.check(answer, None)

    def check(answer, pieces, way):
        wire.holds(answer, pieces)
        if answer["streamed"]:
            ways = (helped, plain, lambda answer: loop.run_until_complete(helped_later(answer)))
            for one in ways if way == "event by event" else [corpus.turn(answer, way, ways)]:
                one(answer)
            return
        if "failure" not in answer:
            compare(answer, client.responses.create(**ASKED))
            return
        try:
            client.responses.create(**ASKED)
        except openai.APIStatusError as error:
            assert error.status_code == answer["status"] and answer["failure"] in error.body["message"], error.body
        else:
            raise AssertionError("the failure was not told")

    return check


corpus.report(f"openai {openai.__version__}, Responses", sys.argv[1], "responses", checks)
