"""Anthropic's SDK against the gateway: loops of tools and thoughts, counts, models and errors, on both roads.

Usage: anthropic_loops.py CONVERSE INVOKE SIMULATOR
"""

import anthropic
import pydantic
from anthropic import _exceptions as kinds
from loops_messages import BUDGET, CONVERSE, GPT_OSS, HIDING, INVOKE, KINDS, NOVA, PLAIN, RESULT, ROADS, TIME, WEATHER
from loops_messages import assert_loop, check, question, thinking, together

VERSION = anthropic.__version__.split(".")[0]
SAME = {"api_key": "key-of-anthropic", "max_retries": 0, "timeout": 30}
CLIENTS = {url: anthropic.Anthropic(base_url=url, **SAME) for url in (CONVERSE, INVOKE)}


def whole(surface, **asked):
    return surface.create(**asked)


def streamed(surface, **asked):
    with surface.stream(**asked) as events:
        text = "".join(events.text_stream)
        message = events.get_final_message()
    check("a stream's text is that of its message", text == said(message), (text, message))
    return message


def said(message):
    return "".join(block.text for block in message.content if block.type == "text")


def loop(road, url, model, way, surface, kind):
    name = f"anthropic {VERSION}, {road}, {model}, {way.__name__}, {kind}"
    text, mark = question("anthropic", kind)
    messages = [{"role": "user", "content": text}]
    shape = {"model": model, "max_tokens": 4000, "thinking": thinking(model), "tools": [WEATHER, TIME]}
    while messages[-1]["role"] == "user":
        message = way(surface(CLIENTS[url]), messages=messages, **shape)
        # The road of InvokeModel leaves the model's own words as they are.
        named = message.model == model if road == "converse" else message.model.startswith(model)
        check(f"{name}: names the model", named and message.usage.input_tokens > 0, message)
        messages.append({"role": "assistant", "content": message.content})
        calls = [block for block in message.content if block.type == "tool_use"]
        check(f"{name}: why it ends", message.stop_reason == ("tool_use" if calls else "end_turn"), message)
        if calls:
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls]
            messages.append({"role": "user", "content": results})
    check(f"{name}: an answer", RESULT in said(message), message)
    first = messages[1]["content"][0]
    check(f"{name}: shows a thought", first.type in ("thinking", "redacted_thinking"), messages[1])
    assert_loop(name, mark, road, model, kind)


def runner(road, url, model, stream):
    """The SDK's own loop."""
    name = f"anthropic {VERSION}, {road}, {model}, tool runner, stream={stream}"
    text, mark = question("anthropic")

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return RESULT if city == "Paris" else "unknown"

    asked = {"model": model, "max_tokens": 4000, "thinking": thinking(model)}
    asked |= {"tools": [get_weather], "messages": [{"role": "user", "content": text}]}
    running = CLIENTS[url].beta.messages.tool_runner(stream=stream, **asked)
    message = None
    for turn in running:
        message = turn.get_final_message() if stream else turn
    check(f"{name}: an answer", RESULT in said(message), message)
    assert_loop(name, mark, road, model)


def parses(road, url, model):
    """An answer in the form of a class, which the SDK reads. A model that is told of the form in words says what it is told."""

    class Weather(pydantic.BaseModel):
        city: str
        degrees: int

    words, mark = question("anthropic", 'Which city? [[say:{"city": "Paris", "degrees": 18}]]')
    asked = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": words}]}
    message = CLIENTS[url].messages.parse(output_format=Weather, **asked)
    check(f"anthropic {VERSION}, {road}, {model}: answers in a form", isinstance(message.parsed_output, Weather), (mark, message))


def counts(road, url, model):
    asked = {"model": model, "messages": [{"role": "user", "content": "How long is this?"}], "tools": [WEATHER]}
    counted = CLIENTS[url].messages.count_tokens(**asked)
    check(f"anthropic {VERSION}, {road}, {model}: counts tokens", counted.input_tokens > 10, counted)


def models(url):
    names = [model.id for model in CLIENTS[url].models.list(limit=2)]
    check(f"anthropic {VERSION}: lists models", "anthropic.claude-3-5-sonnet-20241022-v2:0" in names, names)
    one = CLIENTS[url].models.retrieve(names[0])
    check(f"anthropic {VERSION}: tells of one", one.id == names[0] and one.type == "model", one)


# What goes wrong, the class that is raised, its status and a word of its text.
FAULTS = {
    "validation": (kinds.BadRequestError, 400, "simulated"),
    # The caller's own key is good: what AWS refuses is the gateway's credentials.
    "access-denied": (kinds.InternalServerError, 502, "don't have access"),
    "not-found": (kinds.NotFoundError, 404, "end of its life"),
    "throttling": (kinds.RateLimitError, 429, "Too many tokens"),
    "model-not-ready": (kinds.RateLimitError, 429, "not ready"),
    "internal": (kinds.InternalServerError, 500, "unexpected error"),
    "model-error": (kinds.InternalServerError, 500, "failed to answer"),
    "model-timeout": (kinds.InternalServerError, 504, "too long"),
    "unavailable": (kinds.OverloadedError, 529, "unable to process"),
}


def raised(name, call, kind, status, word):
    try:
        call()
    except anthropic.APIStatusError as error:
        right = isinstance(error, kind) and error.status_code == status and word in error.message
        check(f"{name}: {status} as {kind.__name__}", right and error.request_id, (error, type(error), error.body))
        return error
    check(f"{name}: raises", False)


def fails(road, url, model, way, fault):
    """What goes wrong at Bedrock is raised as what it is."""
    messages = [{"role": "user", "content": f"[[fault:{fault}]] Hello?"}]
    asked = {"model": model, "max_tokens": 100, "messages": messages}
    name = f"anthropic {VERSION}, {road}, {model}, {way.__name__}, {fault}"
    raised(name, lambda: way(CLIENTS[url].messages, **asked), *FAULTS[fault])


def refusals(road, url, model):
    """What the gateway refuses by itself, and a stream that breaks off."""
    name = f"anthropic {VERSION}, {road}, {model}"
    client = CLIENTS[url]
    asked = {"model": model, "max_tokens": 100}
    hello = [{"role": "user", "content": "Hello?"}]
    nobody = anthropic.Anthropic(base_url=url, **{**SAME, "api_key": "nobodys-key"})
    refused = anthropic.AuthenticationError
    error = raised(f"{name}, no key", lambda: whole(nobody.messages, messages=hello, **asked), refused, 401, "key")
    check(f"{name}: is not to be tried again", error.response.headers.get("x-should-retry") == "false")
    large = [{"role": "user", "content": "x" * (3 << 20)}]
    raised(f"{name}, too large", lambda: whole(client.messages, messages=large, **asked), kinds.RequestTooLargeError, 413, "")
    broken = [{"role": "user", "content": "[[fault:mid-stream-exception:throttlingException]] Hello?"}]
    try:
        streamed(client.messages, messages=broken, **asked)
        check(f"{name}: an error in a stream is raised", False)
    except anthropic.APIStatusError as error:
        check(f"{name}: an error in a stream is raised", error.body["error"]["type"] == "rate_limit_error", error.body)


def cases(road, url, model):
    here = (road, url, model)
    found = [(loop, *here, way, lambda client: client.messages, kind) for kind in KINDS for way in (whole, streamed)]
    found += [(loop, *here, streamed, lambda client: client.beta.messages, PLAIN)]
    found += [(runner, *here, stream) for stream in (False, True)]
    found += [(parses, *here), (counts, *here)]
    if model in (HIDING, NOVA):
        found += [(fails, *here, way, fault) for fault in FAULTS for way in (whole, streamed)]
        found += [(refusals, *here)]
    return found


for way in ROADS:
    together(cases(*way))
together([(models, CONVERSE), (models, INVOKE)])
check("every family was asked", {BUDGET, HIDING, NOVA, GPT_OSS} <= {model for _, _, model in ROADS})
