"""What the suites of Anthropic's Messages share: the roads, the models, the questions, and what must be true at the end.

A loop is a question, the model's call of a tool, its result and the answer. The simulator refuses a thought of Claude's
that does not come back as it was signed; that it came back at all is seen in what reached the model.
"""

import concurrent.futures
import itertools
import json
import os
import sys
import urllib.request

CONVERSE, INVOKE, SIMULATOR = sys.argv[1:4]
ADAPTIVE, BUDGET, HIDING = "claude-opus-4-6", "claude-sonnet-4-5", "claude-opus-5"
NOVA, GPT_OSS, KIMI = "amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0", "moonshot.kimi-k2-thinking"
CLAUDE = [BUDGET, ADAPTIVE, HIDING]
# Each model with the gateway whose road leads to it.
ROADS = [("converse", CONVERSE, model) for model in [*CLAUDE, NOVA, GPT_OSS, KIMI]] + [("invoke", INVOKE, model) for model in CLAUDE]
RESULT = "18 C"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "The weather in a city.", "input_schema": SCHEMA}
TIME = {"name": "get_time", "description": "The time in a city.", "input_schema": SCHEMA}
PLAIN = "What is the weather?"
STEPS = "What is the weather? Take two steps."
TWO_CALLS = "[[fault:two-tools]] What is the weather?"
KINDS = [PLAIN, STEPS, TWO_CALLS]
COUNT = itertools.count(1)


def check(name, right, seen=None):
    # One write, so that cases that run at once do not share a line.
    print(("ok    " if right else "WRONG ") + name + "\n", end="", flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def together(cases):
    """Runs cases at once, each a function with its arguments; what was asked before them is forgotten."""
    simulator("/simulator/requests", "DELETE")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for case in [pool.submit(*case) for case in cases]:
            case.result()


def question(name, text=PLAIN):
    """A question that no other request holds, and the mark by which it is known."""
    mark = f"({name} {os.getpid()} {next(COUNT)})"
    return f"{text} {mark}", mark


def thinking(model):
    """How Anthropic's own clients ask this model to think."""
    if model == BUDGET:
        return {"type": "enabled", "budget_tokens": 2000}
    return {"type": "adaptive", "display": "summarized"} if model == HIDING else {"type": "adaptive"}


def simulator(path, method="GET", body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SIMULATOR + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def requests(mark):
    """What reached the model of the conversation with this mark, in order."""
    log = simulator("/simulator/requests")
    return [it for it in log if "x-again" not in it["headers"] and mark in json.dumps(it["body"].get("messages", [""])[0])]


def again(request):
    """The blocks that the simulator answers to a request: the same whenever it is asked."""
    path = request["path"].replace("-with-response", "").removesuffix("-stream")
    answer = simulator(path, "POST", request["body"], **{"authorization": "Bearer again", "x-again": "1"})
    return answer.get("content") or answer["output"]["message"]["content"]


def is_thought(block):
    return "reasoningContent" in block or block.get("type") in ("thinking", "redacted_thinking")


def blocks(turn):
    """The blocks of a turn without what the cache is told."""
    content = [block for block in turn["content"] if "cachePoint" not in block]
    return [{name: value for name, value in block.items() if name != "cache_control"} for block in content]


def is_thinking(body):
    own = body.get("additionalModelRequestFields") or body
    return bool(own.get("thinking") or own.get("reasoningConfig") or own.get("reasoning_effort"))


def assert_loop(name, mark, road, model, kind=PLAIN, thinks=True):
    """The loop with this mark had its steps on its road, each with the thoughts of those before."""
    steps = 3 if kind == STEPS else 2
    seen = requests(mark)
    check(f"{name}: {steps} requests", len(seen) == steps, [it["body"]["messages"] for it in seen])
    check(f"{name}: takes its road", all((f"/{road}" in it["path"]) for it in seen), [it["path"] for it in seen])
    if not thinks:
        return
    # Those that think by themselves need not be asked.
    check(f"{name}: asked to think", model in (GPT_OSS, KIMI) or all(is_thinking(it["body"]) for it in seen), [it["body"] for it in seen])
    for at, earlier in enumerate(seen[:-1]):
        answer = again(earlier)
        # A model with a budget thinks before its first call only.
        if at == 0 or model != BUDGET:
            check(f"{name}: thought in step {at + 1}", is_thought(answer[0]), answer)
        if model in (NOVA, GPT_OSS):
            answer = [block for block in answer if not is_thought(block)]
        for later in seen[at + 1 :]:
            turn = blocks(later["body"]["messages"][len(earlier["body"]["messages"])])
            check(f"{name}: its thought is before the model again", turn == answer, (turn, answer))
