"""Tool loops through LiteLLM's SDK as a client. Usage: litellm_loops.py GATEWAY SIMULATOR"""

import itertools
import os

# Prices come with the package; nothing is fetched, nothing reported.
os.environ.update({"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"})

import litellm  # noqa: E402
from loops import ALL_HIDDEN, BUDGET, KINDS, PLAIN, REDACTED, RESULT, THINKERS, WEATHER, Tap  # noqa: E402
from loops import again, assert_loop, check, clear, question, requests  # noqa: E402

litellm.telemetry = False
litellm.suppress_debug_info = True
tap = Tap()
EFFORT = {"reasoning_effort": "low", "allowed_openai_params": ["reasoning_effort"]}
OPENROUTER = {"extra_body": {"reasoning": {"effort": "low"}}}
TOKENS = {"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}
# LiteLLM's provider for gateways of its own kind takes the word as it is.
PROXY_TOKENS = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def ask(model, messages, stream, words):
    provider = "litellm_proxy" if words is PROXY_TOKENS else "openai"
    answer = litellm.completion(
        model=f"{provider}/{model}", api_base=tap.url + "/v1", api_key="key-of-litellm-sdk", num_retries=0, timeout=30,
        messages=messages, tools=[WEATHER], stream=stream, **words,
    )
    if stream:
        answer = litellm.stream_chunk_builder(list(answer), messages=messages)
    return answer.choices[0].message


def loop(model, stream, words, said, back, kind=PLAIN):
    """Gives the client's first message, and the mark."""
    name = f"litellm, {model}, stream={stream}, {said}, {kind}"
    text, mark = question("litellm", kind)
    messages = [{"role": "user", "content": text}]
    answers = []
    while not answers or answers[-1].tool_calls:
        answers.append(ask(model, messages, stream, words))
        messages.append(answers[-1])
        results = [{"role": "tool", "tool_call_id": it.id, "content": RESULT} for it in answers[-1].tool_calls or []]
        messages += results
    check(f"{name}: an answer", RESULT in answers[-1].content, answers)
    assert_loop(name, mark, getattr(answers[0], "reasoning_content", None) or "", kind)
    tap.assert_back(name, mark, back)
    return answers[0], mark


def thinking(stream, words):
    """LiteLLM's own shapes: the blocks, with what seals them, whole and streamed."""
    said = "thinking" if words is PROXY_TOKENS else "thinking in the body"
    for model, kind in itertools.product(THINKERS, KINDS):
        sealed = model == REDACTED or kind == ALL_HIDDEN
        back = ["thinking_blocks"] if sealed else ["reasoning_content", "thinking_blocks"]
        asked, mark = loop(model, stream, words, said, back, kind)
        answered = again(requests(mark)[0])
        inside = [block["reasoningContent"] for block in answered if "reasoningContent" in block]
        expected = [(block.get("reasoningText", {}).get("text", ""), True) for block in inside]
        blocks = getattr(asked, "thinking_blocks", None) or []
        seen = [(block.get("thinking", ""), bool(block.get("signature") or block.get("data"))) for block in blocks]
        check(f"litellm, {model}, stream={stream}, {said}: thinking_blocks", seen == expected, (blocks, expected))


clear()
for stream in [False, True]:
    for model, kind in itertools.product(THINKERS, KINDS):
        loop(model, stream, EFFORT, "reasoning_effort", ["reasoning_content"], kind)
    loop(BUDGET, stream, OPENROUTER, "reasoning", ["reasoning_content"])
    for words in [TOKENS, PROXY_TOKENS]:
        thinking(stream, words)
