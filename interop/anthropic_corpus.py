"""Does Anthropic's SDK understand every recorded answer of Bedrock as it was recorded, on each of its surfaces, however it is cut?

Usage: anthropic_corpus.py ANSWERS
"""

import asyncio
import sys

import anthropic
from anthropic import _base_client

import corpus

HTTP = getattr(_base_client, "httpx2", None) or _base_client.httpx
ASKED = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]}
WORDS = {"guardrail_intervened": "refusal", "content_filtered": "refusal"}
COUNTS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cache_read_input_tokens": "cacheReadInputTokens",
    "cache_creation_input_tokens": "cacheWriteInputTokens",
}


def neutral(block):
    """A block as a recording has it. What goes to a client by way of Converse says behind a signature whose it is."""
    kind = block["type"]
    if kind == "text":
        return {"text": block["text"]}
    if kind == "thinking":
        return {"thinking": block["thinking"], "signature": block["signature"].split("~")[0]}
    if kind == "redacted_thinking":
        return {"redacted": block["data"].split("~")[0]}
    if kind == "tool_use":
        return {"call": block["id"], "name": block["name"], "input": block["input"]}
    return {"server": kind}


def ended(answer):
    """The end of a recording in the words of Messages."""
    stop = answer["said"]["stop"]
    called = any("call" in block for block in answer["said"]["blocks"])
    if answer["api"] == "invoke" or stop in ("max_tokens", "model_context_window_exceeded"):
        return stop
    return WORDS.get(stop) or ("tool_use" if called else "end_turn" if stop == "tool_use" else stop)


def told(blocks):
    """The members of blocks that the gateway told, and not those that an SDK adds."""
    added = ("parsed_output", "caller", "toolset_name")
    return [{name: value for name, value in block.items() if value is not None and name not in added} for block in blocks]


def counts(usage):
    """Usage without what Bedrock tells at the end only, where the SDK does not look for it."""
    late = ("service_tier", "cache_creation")
    return {name: value for name, value in usage.items() if value is not None and name not in late}


def compare(answer, message):
    seen = message.to_dict(mode="json", warnings=False)
    corpus.same(answer, [neutral(block) for block in told(seen["content"])], None)
    assert seen["stop_reason"] == ended(answer), f"it ended with {seen['stop_reason']}"
    for name, own in COUNTS.items():
        # Whether nothing was counted or none is one to a client.
        assert (seen["usage"].get(name) or 0) == corpus.tokens(answer, own), f"{name} is {seen['usage'].get(name)}"
    if "whole" in answer:
        whole = answer["whole"]
        if "tag" not in answer:
            assert told(seen["content"]) == told(whole["content"]), f"{seen['content']}\nis not the whole answer's\n{whole['content']}"
        for name in ("id", "model", "role", "stop_reason", "stop_sequence"):
            assert seen.get(name) == whole.get(name), f"{name} is {seen.get(name)}"
        assert counts(seen["usage"]) == counts(whole["usage"]), f"{seen['usage']} is not {whole['usage']}"


def plain(events):
    """What a client makes of the events by itself, without a helper."""
    blocks, arguments, message = [], {}, None
    for event in events:
        if event.type == "message_start":
            message = event.message
        elif event.type == "content_block_start":
            assert event.index == len(blocks), f"index {event.index}"
            blocks.append(event.content_block.to_dict())
        elif event.type == "content_block_delta":
            block, delta = blocks[event.index], event.delta
            for name in ("text", "thinking", "signature"):
                if getattr(delta, name, None) is not None:
                    block[name] = block.get(name, "") + getattr(delta, name)
            if delta.type == "input_json_delta":
                arguments[event.index] = arguments.get(event.index, "") + delta.partial_json
        elif event.type == "message_delta":
            message.stop_reason = event.delta.stop_reason
    for index, text in arguments.items():
        blocks[index]["input"] = corpus.parsed(text)
    return blocks, message


def helped(surface):
    with surface.stream(**ASKED) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == "".join(block.text for block in message.content if block.type == "text")
    return message


async def helped_later(surface):
    async with surface.stream(**ASKED) as stream:
        async for _ in stream:
            pass
        return await stream.get_final_message()


def checks():
    wire = corpus.Wire(HTTP, "request-id")
    client = anthropic.Anthropic(base_url="http://gateway", api_key="key", max_retries=0, http_client=wire.client)
    later = anthropic.AsyncAnthropic(base_url="http://gateway", api_key="key", max_retries=0, http_client=wire.async_client)
    surfaces = (client.messages, client.beta.messages)
    loop = asyncio.new_event_loop()

    def failed(answer, ask):
        try:
            ask()
        except anthropic.APIStatusError as error:
            body = error.body
            assert error.request_id and body["type"] == "error" and body["error"]["type"], body
            assert answer["failure"] in body["error"]["message"] and body["error"]["message"], body
            assert answer["streamed"] or error.status_code == answer["status"], error.status_code
        else:
            raise AssertionError("the failure was not told")

    def check(answer, pieces, way):
        wire.holds(answer, pieces)
        if not answer["streamed"]:
            for surface in surfaces:
                if "failure" in answer:
                    failed(answer, lambda: surface.create(**ASKED))
                else:
                    compare(answer, surface.create(**ASKED))
            return
        all_surfaces = way in ("whole", "event by event")
        for surface in surfaces if all_surfaces else [corpus.turn(answer, way, surfaces)]:
            if "failure" in answer:
                failed(answer, lambda: helped(surface))
                failed(answer, lambda: list(surface.create(**ASKED, stream=True)))
                continue
            compare(answer, helped(surface))
        if "failure" in answer or way != "event by event":
            return
        with corpus.turn(answer, way, surfaces).create(**ASKED, stream=True) as events:
            blocks, message = plain(events)
        corpus.same(answer, [neutral(block) for block in blocks], None)
        assert message.stop_reason == ended(answer)
        surface = corpus.turn(answer, way, (later.messages, later.beta.messages))
        compare(answer, loop.run_until_complete(helped_later(surface)))

    return check


corpus.report(f"anthropic {anthropic.__version__}", sys.argv[1], "messages", checks)
