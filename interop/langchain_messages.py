"""LangChain's ChatAnthropic against the gateway, on both roads: loops of tools and thoughts, usage, answers in a form, errors.

Usage: langchain_messages.py CONVERSE INVOKE SIMULATOR
"""

import os

# Nothing is to be reported to anybody.
os.environ.update({"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"})

import anthropic  # noqa: E402
import pydantic  # noqa: E402
from langchain_anthropic import ChatAnthropic  # noqa: E402
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage  # noqa: E402
from loops_messages import CLAUDE, KINDS, NOVA, RESULT, ROADS, TIME, WEATHER  # noqa: E402
from loops_messages import assert_loop, check, question, thinking, together  # noqa: E402

SAME = {"api_key": "key-of-langchain", "max_retries": 0, "timeout": 30, "max_tokens": 4000}
LONG = "Mind every word of this. " * 800


class Weather(pydantic.BaseModel):
    """The weather in a city."""

    city: str
    degrees: int


def ask(chat, messages, stream):
    if not stream:
        return chat.invoke(messages)
    joined = None
    for chunk in chat.stream(messages):
        joined = chunk if joined is None else joined + chunk
    return joined


def loop(road, url, model, stream, kind):
    name = f"ChatAnthropic, {road}, {model}, stream={stream}, {kind}"
    chat = ChatAnthropic(model=model, base_url=url, thinking=thinking(model), **SAME).bind_tools([WEATHER, TIME])
    text, mark = question("langchain", kind)
    messages = [HumanMessage(text)]
    while not isinstance(messages[-1], AIMessage) or messages[-1].tool_calls:
        answer = ask(chat, messages, stream)
        used = answer.usage_metadata
        check(f"{name}: tells what it used", min(used["input_tokens"], used["output_tokens"]) > 0, answer)
        messages += [answer, *(ToolMessage(RESULT, tool_call_id=call["id"]) for call in answer.tool_calls)]
    check(f"{name}: an answer", RESULT in messages[-1].text, messages)
    # Nova hides what it thought.
    shown = [block.get("reasoning") for block in messages[1].content_blocks if block["type"] == "reasoning"]
    kept = messages[1].content[0]["type"] == "redacted_thinking" if model == NOVA else any(shown)
    check(f"{name}: shows a thought", kept, messages[1])
    assert_loop(name, mark, road, model, kind)


def caches(road, url, model, stream):
    """Of a stream it reads what was used at the end alone."""
    name = f"ChatAnthropic, {road}, {model}, stream={stream}"
    chat = ChatAnthropic(model=model, base_url=url, **SAME)
    text, mark = question("langchain", "Hello?")
    system = [{"type": "text", "text": f"{mark} {LONG}", "cache_control": {"type": "ephemeral"}}]
    first, second = (ask(chat, [SystemMessage(system), HumanMessage(text)], stream).usage_metadata for _ in range(2))
    details, read = first["input_token_details"], second["input_token_details"]["cache_read"]
    # Claude's own end of a stream does not say for how long the cache took it.
    written = details["cache_creation"] or details["ephemeral_5m_input_tokens"]
    check(f"{name}: what the cache took", written > 1000, first)
    check(f"{name}: what the cache had", read == written, (first, second))
    check(f"{name}: the input is all of it", second["input_tokens"] > read, second)


def answers_in_a_form(road, url, model, method):
    name = f"ChatAnthropic, {road}, {model}, {method}"
    chat = ChatAnthropic(model=model, base_url=url, **SAME).with_structured_output(Weather, method=method)
    # A model that is told of the form in words says what it is told.
    text, _ = question("langchain", 'Which city? [[say:{"city": "Paris", "degrees": 18}]]')
    answer = chat.invoke(text)
    check(f"{name}: answers in a form", isinstance(answer, Weather), answer)


def fails(road, url, model, stream):
    name = f"ChatAnthropic, {road}, {model}, stream={stream}"
    try:
        ask(ChatAnthropic(model=model, base_url=url, **SAME), "[[fault:throttling]] Hello?", stream)
    except anthropic.RateLimitError as error:
        check(f"{name}: an error is raised in Bedrock's words", "Too many tokens" in str(error), error)
    else:
        check(f"{name}: an error is raised", False)


def cases(road, url, model):
    here = (road, url, model)
    found = [(loop, *here, stream, kind) for stream in (False, True) for kind in KINDS]
    found += [(caches, *here, stream) for stream in (False, True) if model in CLAUDE]
    found += [(answers_in_a_form, *here, method) for method in ("json_schema", "function_calling")]
    return found + [(fails, *here, stream) for stream in (False, True)]


for way in ROADS:
    together(cases(*way))
