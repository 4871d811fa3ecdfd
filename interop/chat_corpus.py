"""Does OpenAI's SDK understand every recorded answer of Bedrock as it was recorded, told in Chat Completions, however it is cut?

Usage: chat_corpus.py ANSWERS
"""

import asyncio
import sys

import openai
from openai import _base_client

import corpus

HTTP = getattr(_base_client, "httpx2", None) or _base_client.httpx
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
FINISH = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


def by_index(details):
    """The details, one for each index: where the first has another than 0, the SDK leaves its pieces side by side."""
    whole = {}
    for item in details:
        known = whole.setdefault(item["index"], {"text": ""})
        known["text"] += item.get("text") or item.get("summary") or ""
        known.update({name: item[name] for name in ("signature", "data") if item.get(name)})
    return list(whole.values())


def compare(answer, completion):
    seen = completion.model_dump(mode="json", warnings=False)
    message, blocks = seen["choices"][0]["message"], answer["said"]["blocks"]
    words = lambda name: "".join(block[name] for block in blocks if name in block)
    text, reasoning = message.get("content") or "", message.get("reasoning") or ""
    assert reasoning == (message.get("reasoning_content") or "")
    if "tag" in answer:
        words_of = lambda said: "".join(said.replace(f"<{answer['tag']}>", "").replace(f"</{answer['tag']}>", "").split())
        assert sorted(words_of(reasoning + text)) == sorted(words_of(words("thinking") + words("text"))), message
    else:
        assert text == words("text"), f"{text} is not {words('text')}"
        assert reasoning == words("thinking"), f"{reasoning} is not {words('thinking')}"
    calls = [
        {"call": call["id"], "name": call["function"]["name"], "input": corpus.parsed(call["function"]["arguments"])}
        for call in message.get("tool_calls") or []
    ]
    corpus.same_calls(calls, [block for block in blocks if "call" in block])
    details = by_index(message.get("reasoning_details") or [])
    seals = [item.get("signature") or item.get("data") for item in details]
    expected = [block.get("signature") or block.get("redacted") for block in blocks]
    assert [seal for seal in seals if seal] == [seal for seal in expected if seal], f"{seals} is not {expected}"
    if "tag" not in answer:
        shown = [item["text"] for item in details if item.get("text")]
        assert shown == [block["thinking"] for block in blocks if block.get("thinking")], details
    finish = FINISH.get(answer["said"]["stop"]) or ("tool_calls" if calls else "stop")
    assert seen["choices"][0]["finish_reason"] == finish, seen["choices"][0]["finish_reason"]
    usage = seen["usage"] or {"prompt_tokens": 0, "completion_tokens": 0}
    assert usage["prompt_tokens"] == corpus.prompt(answer) and usage["completion_tokens"] == corpus.tokens(answer, "outputTokens"), usage
    if "whole" in answer:
        whole = answer["whole"]
        for name in ("id", "model", "created"):
            assert seen[name] == whole[name], f"{name} is {seen[name]}"
        same = whole["choices"][0]["message"]
        assert text == (same["content"] or "") and reasoning == (same.get("reasoning") or ""), message
        assert [strings(call) for call in message.get("tool_calls") or []] == [strings(call) for call in same.get("tool_calls") or []]
        assert not seen["usage"] or seen["usage"]["total_tokens"] == whole["usage"]["total_tokens"]


def strings(call):
    return call["id"], call["type"], call["function"]["name"], corpus.parsed(call["function"]["arguments"])


def checks():
    wire = corpus.Wire(HTTP, "x-request-id")
    client = openai.OpenAI(base_url="http://gateway", api_key="key", max_retries=0, http_client=wire.client)
    later = openai.AsyncOpenAI(base_url="http://gateway", api_key="key", max_retries=0, http_client=wire.async_client)
    loop = asyncio.new_event_loop()

    def helped(_):
        with client.chat.completions.stream(**ASKED) as stream:
            text = "".join(event.delta for event in stream if event.type == "content.delta")
            completion = stream.current_completion_snapshot
        assert text == (completion.choices[0].message.content or "")
        return completion

    async def helped_later():
        async with later.chat.completions.stream(**ASKED) as stream:
            async for _ in stream:
                pass
            return stream.current_completion_snapshot

    def check(answer, pieces, way):
        wire.holds(answer, pieces)
        if answer["streamed"]:
            ways = (helped, lambda _: loop.run_until_complete(helped_later()))
            ways = ways if way == "event by event" else [corpus.turn(answer, way, ways)]
        else:
            ways = [lambda _: client.chat.completions.create(**ASKED)]
        for one in ways:
            if "failure" not in answer:
                compare(answer, one(answer))
                continue
            try:
                one(answer)
            except openai.APIError as error:
                assert answer["failure"] in error.message and error.body["message"], error.body
                assert answer["streamed"] or error.status_code == answer["status"], error
            else:
                raise AssertionError("the failure was not told")

    return check


corpus.report(f"openai {openai.__version__}, Chat Completions", sys.argv[1], "chat", checks)
