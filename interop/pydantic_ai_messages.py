"""pydantic-ai's agent on its Anthropic model against the gateway, on both roads: tools and thoughts, answers in a form, usage, errors.

Usage: pydantic_ai_messages.py CONVERSE INVOKE SIMULATOR
"""

import asyncio
import os

# Nothing is to be reported to anybody.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

import pydantic  # noqa: E402
from loops_messages import CLAUDE, GPT_OSS, KINDS, NOVA, RESULT, ROADS  # noqa: E402
from loops_messages import assert_loop, check, question, requests, thinking, together  # noqa: E402
from pydantic_ai import Agent, NativeOutput, ToolOutput, UsageLimits  # noqa: E402
from pydantic_ai.exceptions import ModelHTTPError  # noqa: E402
from pydantic_ai.messages import ModelResponse, PartDeltaEvent, PartStartEvent, ThinkingPart, ThinkingPartDelta  # noqa: E402
from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings  # noqa: E402
from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: E402


class Weather(pydantic.BaseModel):
    """The weather in a city."""

    city: str
    degrees: int


def agent(url, model, *, thinks=True, **more):
    provider = AnthropicProvider(base_url=url, api_key="key-of-pydantic-ai")
    asked = {"anthropic_thinking": thinking(model)} if thinks else {}
    settings = AnthropicModelSettings(max_tokens=4000, **asked)
    return Agent(AnthropicModel(model, provider=provider), model_settings=settings, retries=0, **more)


def run(made, text, stream):
    """What the run came to, and the pieces of thought that were seen as they came."""
    pieces = []

    async def listen(_, events):
        async for event in events:
            if isinstance(event, PartStartEvent) and isinstance(event.part, ThinkingPart):
                pieces.append(event.part.content)
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, ThinkingPartDelta):
                pieces.append(event.delta.content_delta or "")

    handler = {"event_stream_handler": listen} if stream else {}
    return asyncio.run(made.run(text, usage_limits=UsageLimits(request_limit=4), **handler)), pieces


def loop(road, url, model, stream, kind):
    name = f"pydantic-ai, {road}, {model}, stream={stream}, {kind}"
    made = agent(url, model)

    @made.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return RESULT if city == "Paris" else "unknown"

    @made.tool_plain
    def get_time(city: str) -> str:
        """The time in a city."""
        return RESULT if city == "Paris" else "unknown"

    text, mark = question("pydantic-ai", kind)
    result, pieces = run(made, text, stream)
    check(f"{name}: an answer", RESULT in result.output, result.output)
    used = result.usage() if callable(result.usage) else result.usage
    steps = 3 if "two steps" in kind else 2
    check(f"{name}: tells what it used", used.requests == steps and min(used.input_tokens, used.output_tokens) > 0, used)
    answers = [message for message in result.all_messages() if isinstance(message, ModelResponse)]
    thoughts = [part for answer in answers for part in answer.parts if isinstance(part, ThinkingPart)]
    # Of a thought that nobody can read there is a seal alone.
    shown = thoughts and (thoughts[0].signature if model in [*CLAUDE, NOVA] else thoughts[0].content)
    check(f"{name}: keeps a thought", shown, answers)
    whole = "".join(part.content for part in thoughts)
    check(f"{name}: shows it as it comes", "".join(pieces) == whole or not stream, (pieces, whole))
    # A thought without a signature goes back between tags, in the text.
    assert_loop(name, mark, road, model, kind, thinks=model != GPT_OSS)
    if model == GPT_OSS:
        back = requests(mark)[-1]["body"]["messages"][1]["content"][0]
        check(f"{name}: sends a thought without a signature back as text", thoughts[0].content in back["text"], back)


def answers_in_a_form(road, url, model, form):
    name = f"pydantic-ai, {road}, {model}, {form.__name__}"
    # A model that is told of the form in words says what it is told.
    text, _ = question("pydantic-ai", 'Which city? [[say:{"city": "Paris", "degrees": 18}]]')
    result, _ = run(agent(url, model, thinks=False, output_type=form(Weather)), text, False)
    check(f"{name}: answers in a form", isinstance(result.output, Weather), result.output)


def fails(road, url, model, stream):
    name = f"pydantic-ai, {road}, {model}, stream={stream}"
    try:
        run(agent(url, model), "[[fault:validation]] Hello?", stream)
    except ModelHTTPError as error:
        check(f"{name}: an error is raised in Bedrock's words", error.status_code == 400 and "simulated" in str(error), error)
    else:
        check(f"{name}: an error is raised", False)


def cases(road, url, model):
    here = (road, url, model)
    found = [(loop, *here, stream, kind) for stream in (False, True) for kind in KINDS]
    # It does not know that other models answer in a form.
    forms = [NativeOutput, ToolOutput] if model in CLAUDE else [ToolOutput]
    found += [(answers_in_a_form, *here, form) for form in forms]
    return found + [(fails, *here, stream) for stream in (False, True)]


for way in ROADS:
    together(cases(*way))
