"""What the official openai SDK for Python sees of the gateway. Usage: openai_python.py GATEWAY"""

import json
import sys

import openai

DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0"
BUDGET = "anthropic.claude-sonnet-4-20250514-v1:0"
ADAPTIVE = "anthropic.claude-opus-4-7"
PLAIN = "amazon.nova-lite-v1:0"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="key-of-openai-python", max_retries=0, timeout=30)


def said(text):
    return [{"role": "user", "content": text}]


def check(name, right, seen=None):
    print(("ok    " if right else "WRONG ") + name, flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def streamed(**arguments):
    """The order of the parts, and the parts put together."""
    order, reasoning, content, finish, usage, calls = [], "", "", None, None, {}
    for chunk in client.chat.completions.create(stream=True, **arguments):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            delta = choice.delta
            thought = getattr(delta, "reasoning", None)
            if thought:
                order.append("reasoning")
                reasoning += thought
                assert delta.reasoning_content == thought
            if delta.content:
                order.append("content")
                content += delta.content
            for call in delta.tool_calls or []:
                known = calls.setdefault(call.index, {"id": call.id, "name": call.function.name, "arguments": ""})
                known["arguments"] += call.function.arguments or ""
            finish = choice.finish_reason or finish
    return order, reasoning, content, finish, usage, [calls[index] for index in sorted(calls)]


def whole_and_streamed():
    answer = client.chat.completions.create(model=DEMO, messages=said("Hello?"))
    message = answer.choices[0].message
    check("a whole answer", answer.choices[0].finish_reason == "stop" and "Hello?" in message.content, answer)
    check("with its reasoning", message.reasoning and message.reasoning == message.reasoning_content, message)
    check("and its usage", answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens)
    order, reasoning, content, finish, usage, _ = streamed(
        model=DEMO, messages=said("Hello?"), stream_options={"include_usage": True}
    )
    check("streamed: reasoning, then the answer", order == sorted(order, reverse=True) and "content" in order, order)
    check("streamed: the same as whole", (reasoning, content) == (message.reasoning, message.content), content)
    check("streamed: finish and usage", finish == "stop" and usage.completion_tokens > 0, (finish, usage))


def reasoning_asked_for():
    for model in [BUDGET, ADAPTIVE, "openai.gpt-oss-120b-1:0"]:
        order, *_ = streamed(model=model, messages=said("Hello?"), reasoning_effort="medium")
        check(f"reasoning on {model}", order[0] == "reasoning" and order[-1] == "content", order)
    answer = client.chat.completions.create(
        model="amazon.nova-2-lite-v1:0", messages=said("Hello?"), reasoning_effort="medium"
    )
    message = answer.choices[0].message
    sealed = [item["type"] for item in message.reasoning_details]
    hidden = getattr(message, "reasoning", None) is None and sealed == ["reasoning.encrypted"]
    check("what Nova 2 writes in place of its thought is not shown as one", hidden and message.content, message)
    order, *_ = streamed(model=BUDGET, messages=said("Hello?"))
    check("no reasoning unless asked", "reasoning" not in order, order)
    raw = client.chat.completions.with_raw_response.create(model=PLAIN, messages=said("Hi"), reasoning_effort="high")
    warning = raw.headers.get("x-aquifer-warning", "")
    check("a model that cannot reason answers and says so", "reasoning-unavailable" in warning, warning)


def tools():
    for stream in [False, True]:
        ask = {"model": DEMO, "tools": [WEATHER]}
        messages = said("What is the weather?")
        if stream:
            *_, finish, _, calls = streamed(messages=messages, **ask)
        else:
            choice = client.chat.completions.create(messages=messages, **ask).choices[0]
            finish = choice.finish_reason
            calls = [
                {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
                for call in choice.message.tool_calls
            ]
        check(f"a tool call, stream={stream}", finish == "tool_calls" and calls[0]["name"] == "get_weather", calls)
        check("with arguments", json.loads(calls[0]["arguments"]) == {"city": "Paris"}, calls)
        made = [{"id": call["id"], "type": "function", "function": call} for call in calls]
        for call in made:
            call["function"] = {"name": call["function"]["name"], "arguments": call["function"]["arguments"]}
        messages.append({"role": "assistant", "content": None, "tool_calls": made})
        messages.append({"role": "tool", "tool_call_id": calls[0]["id"], "content": "18 C"})
        answer = client.chat.completions.create(messages=messages, **ask)
        check("and its result", "18 C" in answer.choices[0].message.content, answer)
    *_, calls = streamed(model=DEMO, tools=[WEATHER], messages=said("[[fault:two-tools]]"))
    check("two calls at once", len(calls) == 2 and len({call["id"] for call in calls}) == 2, calls)
    dotted = json.loads(json.dumps(WEATHER).replace("get_weather", "mcp.weather/get"))
    *_, calls = streamed(model=DEMO, tools=[dotted], tool_choice="required", messages=said("Now."))
    check("names that Bedrock does not take come back", calls[0]["name"] == "mcp.weather/get", calls)


def forms():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "number", "schema": schema, "strict": True}}
    answer = client.chat.completions.create(
        model="anthropic.claude-sonnet-4-5-20250929-v1:0", messages=said("A number."), response_format=form
    )
    check("structured output", json.loads(answer.choices[0].message.content) == {"n": 3}, answer)
    answer = client.chat.completions.create(model=DEMO, messages=said("Hello?"), stop=["simulated"])
    check("stop", answer.choices[0].finish_reason == "stop" and "simulated" not in answer.choices[0].message.content)
    answer = client.chat.completions.create(model=DEMO, messages=said("Hello?"), max_tokens=3)
    check("max_tokens", answer.choices[0].finish_reason == "length", answer)
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIXEL}},
    ]
    answer = client.chat.completions.create(model=DEMO, messages=[{"role": "user", "content": parts}])
    check("an image", answer.choices[0].finish_reason == "stop", answer)


def refused(name, kind, test, **arguments):
    try:
        for _ in client.chat.completions.create(stream=True, **arguments):
            pass
    except kind as error:
        check(name, test(error), error)
    else:
        check(name, False, "no error")


def errors():
    refused("429", openai.RateLimitError, lambda error: error.code == "rate_limit_exceeded",
            model=DEMO, messages=said("[[fault:throttling]]"))
    refused("400 names the field", openai.BadRequestError, lambda error: error.param == "n",
            model=DEMO, messages=said("Hi"), n=3)
    refused("first frame", openai.RateLimitError, lambda error: True,
            model=DEMO, messages=said("[[fault:first-frame-exception:throttlingException]]"))
    refused("an exception in mid-stream", openai.APIError, lambda error: "on demand" in error.message,
            model=DEMO, messages=said("[[fault:mid-stream-exception]]"))
    refused("a stream that is cut", openai.APIError, lambda error: "upstream" in error.message,
            model=DEMO, messages=said("[[fault:cut]]"))
    refused("an unknown model", openai.NotFoundError, lambda error: error.code == "model_not_found",
            model="nobody", messages=said("Hi"))


def keys():
    stranger = client.with_options(api_key="key-of-nobody-here")
    try:
        stranger.chat.completions.create(model=DEMO, messages=said("Hi"))
    except openai.AuthenticationError as error:
        check("a wrong key", error.status_code == 401 and "key-of-nobody-here" not in str(error), error)
    else:
        check("a wrong key", False, "no error")


def models():
    ids = [model.id for model in client.models.list()]
    check("the list of models", DEMO in ids, ids)
    check("one model", client.models.retrieve(DEMO).id == DEMO)


whole_and_streamed()
reasoning_asked_for()
tools()
forms()
errors()
keys()
models()
