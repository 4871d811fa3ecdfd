"""Tool loops through the official openai SDK for Python. Usage: openai_loops.py GATEWAY SIMULATOR"""

import time

import openai
from loops import (
    GATEWAY as DIRECT,
    ADAPTIVE, ALL_HIDDEN, BETA, BUDGET, HIDING, INTERLEAVED, KINDS, PLAIN, REDACTED, RESULT, STEPS, THINKERS,
    WEATHER, Tap,
    again, assert_loop, check, clear, is_thinking, question, requests, simulator, thoughts,
)

tap = Tap()
EFFORT = {"reasoning_effort": "low"}
OPENROUTER = {"extra_body": {"reasoning": {"effort": "low"}}}
INCLUDE = {"reasoning_effort": "low", "extra_body": {"include_reasoning": True}}
BETWEEN = {"reasoning_effort": "low", "extra_body": {"anthropic_beta": [BETA]}}
TOKENS = {"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}
ALL = ["reasoning", "reasoning_content", "reasoning_details"]


def client(key="key-of-openai-loops", url=tap.url):
    return openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, timeout=30)


def whole(caller, **body):
    return caller.chat.completions.create(**body).choices[0].message


def helped(caller, **body):
    """A stream, put together by the SDK's own helper."""
    with caller.chat.completions.stream(**body) as stream:
        return stream.get_final_completion().choices[0].message


def gathered(caller, **body):
    """A stream, put together by hand: of reasoning, only what is shown."""
    reasoning, content, calls = "", "", {}
    for chunk in caller.chat.completions.create(stream=True, **body):
        for delta in (choice.delta for choice in chunk.choices):
            reasoning += getattr(delta, "reasoning", None) or ""
            content += delta.content or ""
            for call in delta.tool_calls or []:
                kept = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                kept["arguments"] += call.function.arguments or ""
    return reasoning, content, list(calls.values())


def by_hand(content, calls):
    """The model's turn, of which the client kept neither reasoning nor seal."""
    made = [{"id": it["id"], "type": "function", "function": {k: it[k] for k in ("name", "arguments")}} for it in calls]
    return {"role": "assistant", "content": content, "tool_calls": made}


def calls_of(message):
    calls = message.tool_calls or []
    return [{"id": it.id, "name": it.function.name, "arguments": it.function.arguments} for it in calls]


def results(calls):
    return [{"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in calls]


def dropped(model, stream, kind, key="key-of-openai-loops"):
    """The loop of a client that drops everything."""
    name = f"openai by hand, {model}, stream={stream}, {kind}"
    text, mark = question("openai", kind)
    body = {"model": model, "tools": [WEATHER], "messages": [{"role": "user", "content": text}], **EFFORT}
    first = None
    while True:
        if stream:
            reasoning, content, calls = gathered(client(key), **body)
        else:
            message = whole(client(key), **body)
            reasoning, content, calls = getattr(message, "reasoning", None) or "", message.content, calls_of(message)
        first = reasoning if first is None else first
        if not calls:
            break
        body["messages"] += [by_hand(content, calls), *results(calls)]
    check(f"{name}: an answer", RESULT in content, content)
    assert_loop(name, mark, first, kind)


def appended(model, put_together, words, said, back, kind=PLAIN):
    """The loop of a client that sends the SDK's message back as it is; gives its first message."""
    name = f"openai {put_together.__name__}, {model}, {said}, {kind}"
    text, mark = question("openai", kind)
    body = {"model": model, "tools": [WEATHER], "messages": [{"role": "user", "content": text}], **words}
    messages = []
    while not messages or messages[-1].tool_calls:
        messages.append(put_together(client(), **body))
        body["messages"] += [messages[-1], *results(calls_of(messages[-1]))]
    check(f"{name}: an answer", RESULT in messages[-1].content, messages)
    assert_loop(name, mark, getattr(messages[0], "reasoning", None) or "", kind)
    tap.assert_back(name, mark, back)
    return messages[0]


def conventions():
    """Each way to ask, answered in its own words; what comes back is understood."""
    for put_together in [whole, helped]:
        for model in THINKERS:
            for kind in KINDS:
                for words, said in [(EFFORT, "reasoning_effort"), (OPENROUTER, "reasoning")]:
                    back = ["reasoning_details"] if kind == ALL_HIDDEN else ALL
                    appended(model, put_together, words, said, back, kind)
        for words, said in [(OPENROUTER, "reasoning"), (INCLUDE, "include_reasoning")]:
            message = appended(BUDGET, put_together, words, said, ALL)
            texts = "".join(detail.get("text", "") for detail in getattr(message, "reasoning_details", []))
            check(f"{said}: details hold the text", texts == message.reasoning, message.reasoning_details)
            check(f"{said}: no thinking_blocks", not hasattr(message, "thinking_blocks"), message)
        message = appended(BUDGET, put_together, EFFORT, "reasoning_effort", ALL)
        seals = [detail.get("signature") for detail in getattr(message, "reasoning_details", [])]
        check("reasoning_effort: details hold the seal", len(seals) == 1 and seals[0], message)
        if put_together is helped:
            texts = "".join(detail.get("text", "") for detail in message.reasoning_details)
            check("reasoning_effort: streamed details do not say the text again", not texts, message.reasoning_details)
        message = appended(BUDGET, put_together, TOKENS, "thinking", [*ALL, "thinking_blocks"])
        blocks = [(block["thinking"], bool(block["signature"])) for block in getattr(message, "thinking_blocks", [])]
        check("thinking: thinking_blocks hold text and signature", blocks == [(message.reasoning, True)], blocks)
        for kind in [STEPS, INTERLEAVED]:
            appended(BUDGET, put_together, BETWEEN, "anthropic_beta", ALL, kind)
        message = appended(REDACTED, put_together, TOKENS, "thinking", ["reasoning_details", "thinking_blocks"])
        kinds = [block["type"] for block in getattr(message, "thinking_blocks", [])]
        check("thinking: redacted reasoning is redacted_thinking", kinds == ["redacted_thinking"], message)


def two_callers():
    """Tool ids alone do not open another caller's thoughts."""
    for model in [BUDGET, ADAPTIVE, REDACTED]:
        conversations = {}
        for key in ["key-of-first-caller", "key-of-second-caller"]:
            text, mark = question(key)
            body = {"model": model, "tools": [WEATHER], "messages": [{"role": "user", "content": text}], **EFFORT}
            message = whole(client(key), **body)
            body["messages"] += [by_hand(message.content, calls_of(message)), *results(calls_of(message))]
            conversations[key] = (body, mark)
        ids = [body["messages"][1]["tool_calls"][0]["id"] for body, _ in conversations.values()]
        check(f"equal tool ids, {model}", ids[0] == ids[1], ids)
        body, mark = conversations["key-of-first-caller"]
        whole(client("key-of-third-caller"), **body)
        turn = requests(mark)[1]["body"]["messages"][1]["content"]
        foreign = [block for block in turn if "reasoningContent" in block]
        check(f"a third caller is given nobody's thought, {model}", not foreign, foreign)
        for key, (body, mark) in conversations.items():
            whole(client(key), **body)
            seen = requests(mark)
            turn = seen[-1]["body"]["messages"][1]["content"]
            check(f"the caller with {key} has its own, {model}", thoughts(again(seen[0])) and turn == again(seen[0]), turn)


def no_streams_are_open():
    """Waits for it: the gateway hangs up when its client does."""
    for _ in range(100):
        if simulator("/simulator/streams")["open"] == 0:
            return True
        time.sleep(0.1)
    return False


def aborted(model):
    """The client leaves in the middle of a stream; what it does next works."""
    text, mark = question("aborted", "[[fault:stall]] Why is the sky blue?")
    body = {"model": model, "tools": [WEATHER], "messages": [{"role": "user", "content": text}], **EFFORT}
    stream = client(url=DIRECT).chat.completions.create(stream=True, **body)
    for seen, _ in enumerate(stream):
        if seen == 3:
            break
    stream.close()
    check(f"a client leaves in mid-stream, {model}", no_streams_are_open(), simulator("/simulator/streams"))
    body["messages"] += [{"role": "assistant", "content": "The sky"}, {"role": "user", "content": "The weather, then."}]
    _, content, calls = gathered(client(url=DIRECT), **body)
    check(f"and asks on, {model}", calls and is_thinking(requests(mark)[1]["body"]), calls)
    body["messages"] += [by_hand(content, calls), *results(calls)]
    _, answer, _ = gathered(client(url=DIRECT), **body)
    check(f"and is answered, {model}", RESULT in answer, answer)
    _, before, last = requests(mark)
    turn = last["body"]["messages"][len(before["body"]["messages"])]["content"]
    check(f"with the thought of the loop, {model}", thoughts(again(before)) and turn == again(before), turn)
    check(f"still thinking, {model}", is_thinking(last["body"]), last["body"])


clear()
for model in THINKERS:
    for stream in [False, True]:
        for kind in KINDS:
            dropped(model, stream, kind)
conventions()
two_callers()
for model in [BUDGET, HIDING]:
    aborted(model)
