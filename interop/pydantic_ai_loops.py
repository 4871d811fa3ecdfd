"""Tool loops through pydantic-ai's agent on its OpenAI model. Usage: pydantic_ai_loops.py GATEWAY SIMULATOR"""

import asyncio
import os

# Nothing is to be reported to anybody.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

from loops import ADAPTIVE, BUDGET, KINDS, PLAIN, RESULT, THINKERS, Tap  # noqa: E402
from loops import assert_loop, check, clear, question  # noqa: E402
from pydantic_ai import Agent, UsageLimits  # noqa: E402
from pydantic_ai.messages import ModelResponse, PartDeltaEvent, ThinkingPart, ThinkingPartDelta  # noqa: E402
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings  # noqa: E402
from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

tap = Tap()
EFFORT = OpenAIChatModelSettings(openai_reasoning_effort="low")
OPENROUTER = OpenAIChatModelSettings(extra_body={"reasoning": {"effort": "low"}})


def agent(model, settings, **profile):
    provider = OpenAIProvider(base_url=tap.url + "/v1", api_key="key-of-pydantic-ai")
    chat = OpenAIChatModel(model, provider=provider, profile=OpenAIModelProfile(**profile) if profile else None)
    made = Agent(chat, model_settings=settings, retries=0)

    @made.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return RESULT if city == "Paris" else "unknown"

    return made


def run(made, text, stream):
    """What the run came to, and the pieces of thought that were seen as they came."""
    pieces = []

    async def listen(_, events):
        async for event in events:
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, ThinkingPartDelta):
                pieces.append(event.delta.content_delta)

    limits = UsageLimits(request_limit=4)
    handler = {"event_stream_handler": listen} if stream else {}
    return asyncio.run(made.run(text, usage_limits=limits, **handler)), pieces


def loop(model, settings, stream, back, said, kind=PLAIN, **profile):
    name = f"pydantic-ai, {model}, stream={stream}, {said}, {kind}"
    text, mark = question("pydantic-ai", kind)
    result, pieces = run(agent(model, settings, **profile), text, stream)
    check(f"{name}: an answer", RESULT in result.output, result.output)
    first = next(message for message in result.all_messages() if isinstance(message, ModelResponse))
    reasoning = "".join(part.content for part in first.parts if isinstance(part, ThinkingPart))
    assert_loop(name, mark, reasoning, kind)
    check(f"{name}: seen as it came", bool(pieces) == bool(stream and reasoning), pieces)
    tap.assert_back(name, mark, back)


def tags(stream):
    """An agent that is told to write thoughts as tags before the text is still answered."""
    text, mark = question("pydantic-ai")
    made = agent(ADAPTIVE, EFFORT, openai_chat_send_back_thinking_parts="tags")
    answer = run(made, text, stream)[0].output
    check(f"pydantic-ai, tags, stream={stream}: an answer", RESULT in answer, answer)
    content = tap.turn(mark)["content"]
    check(f"pydantic-ai, tags, stream={stream}: they stand before the text", content.startswith("<think>"), content)


clear()
for model in THINKERS:
    for stream in [False, True]:
        for kind in KINDS:
            loop(model, EFFORT, stream, ["reasoning"], "as it is", kind)
for stream in [False, True]:
    loop(BUDGET, OPENROUTER, stream, ["reasoning"], "reasoning")
    loop(ADAPTIVE, EFFORT, stream, ["reasoning_content"], "told the field",
         openai_chat_thinking_field="reasoning_content", openai_chat_send_back_thinking_parts="field")
    loop(ADAPTIVE, EFFORT, stream, [], "without thoughts", openai_chat_send_back_thinking_parts=False)
    tags(stream)
