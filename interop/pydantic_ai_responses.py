"""Tool loops and conversations of pydantic-ai's agent through Responses. Usage: pydantic_ai_responses.py GATEWAY SIMULATOR"""

import asyncio
import os

# Nothing is to be reported to anybody.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

from loops import GATEWAY, HIDING, INTERLEAVED, KINDS, PLAIN, RESULT, THINKERS, again, assert_loop  # noqa: E402
from loops import check, clear, is_thinking, question, requests, thoughts, tokens  # noqa: E402
from openai import AsyncOpenAI  # noqa: E402
from pydantic_ai import Agent, UsageLimits  # noqa: E402
from pydantic_ai.exceptions import ModelHTTPError  # noqa: E402
from pydantic_ai.messages import ModelResponse, PartDeltaEvent, ThinkingPart, ThinkingPartDelta  # noqa: E402
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings  # noqa: E402
from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

LOW = {"openai_reasoning_effort": "low", "openai_reasoning_summary": "auto"}
# One for all: a client of the SDK lives in one.
EVENTS = asyncio.new_event_loop()
WAYS = {
    "default store": LOW,
    "store: false": {**LOW, "openai_store": False},
    "previous_response_id": {**LOW, "openai_previous_response_id": "auto"},
}


def agent(model, way="default store", key="key-of-pydantic-ai", sealed=True):
    client = AsyncOpenAI(base_url=GATEWAY + "/v1", api_key=key, max_retries=0, timeout=30)
    # Of models whose names it does not know, it has to be told that their thoughts come back sealed.
    knows = OpenAIModelProfile(openai_supports_encrypted_reasoning_content=True) if sealed else None
    answers = OpenAIResponsesModel(model, provider=OpenAIProvider(openai_client=client), profile=knows)
    made = Agent(answers, model_settings=OpenAIResponsesModelSettings(**WAYS[way]), retries=0, instructions="Be brief.")

    @made.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return RESULT if city == "Paris" else "unknown"

    return made


def run(made, text, stream, history=None):
    """What the run came to, and the pieces of thought that were seen as they came."""
    pieces = []

    async def listen(_, events):
        async for event in events:
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, ThinkingPartDelta):
                pieces.append(event.delta.content_delta)

    handler = {"event_stream_handler": listen} if stream else {}
    limits = UsageLimits(request_limit=4)
    return EVENTS.run_until_complete(made.run(text, usage_limits=limits, message_history=history, **handler)), pieces


def loop(model, stream, kind, sealed=True):
    name = f"pydantic-ai responses, {model}, stream={stream}, sealed={sealed}, {kind}"
    clear()
    text, mark = question("pydantic-ai-responses", kind)
    result, pieces = run(agent(model, sealed=sealed), text, stream)
    check(f"{name}: an answer", RESULT in result.output, result.output)
    first = next(message for message in result.all_messages() if isinstance(message, ModelResponse))
    reasoning = "".join(part.content for part in first.parts if isinstance(part, ThinkingPart))
    assert_loop(name, mark, reasoning, kind)
    check(f"{name}: seen as it came", bool("".join(filter(None, pieces))) == bool(stream and reasoning), pieces)
    used = result.usage
    check(f"{name}: usage", (used.input_tokens, used.output_tokens) == tokens(mark), (used, tokens(mark)))


def conversation(model, stream, way):
    """Three questions, each with a loop: every signed thought is before the model again."""
    name = f"pydantic-ai responses, {model}, stream={stream}, {way}, a conversation"
    clear()
    text, mark = question("pydantic-ai-responses")
    made, history, asked = agent(model, way), None, text
    for next_question in ["What is the weather tomorrow?", "What is the weather in a week?", None]:
        result, _ = run(made, asked, stream, history)
        check(f"{name}: an answer", RESULT in result.output, result.output)
        history, asked = result.all_messages(), next_question
    seen = requests(mark)
    check(f"{name}: asked to think each time", len(seen) == 6 and all(is_thinking(it["body"]) for it in seen), len(seen))
    for earlier in seen[:-1]:
        turn = seen[-1]["body"]["messages"][len(earlier["body"]["messages"])]["content"]
        check(f"{name}: its turn is before the model again", turn == again(earlier), (turn, again(earlier)))
    check(f"{name}: with thoughts", sum(bool(thoughts(again(it))) for it in seen) >= 3, [again(it) for it in seen])


def errors(stream):
    def raised(said, status, made, text):
        try:
            run(made, text, stream)
            check(f"pydantic-ai responses, stream={stream}: {said}", False)
        except ModelHTTPError as error:
            check(f"pydantic-ai responses, stream={stream}: {said}", error.status_code == status, error)

    raised("a validation", 400, agent(HIDING), "Hi. [[fault:validation]]")
    raised("a throttling", 429, agent(HIDING), "Hi. [[fault:throttling]]")
    raised("an error of the server's", 500, agent(HIDING), "Hi. [[fault:internal]]")
    raised("an unknown model", 404, agent("nobody.knows-it"), "Hi.")
    raised("a wrong key", 401, agent(HIDING, key="nobodys-key"), "Hi.")


for stream in [False, True]:
    for model in THINKERS:
        for kind in KINDS if stream else [PLAIN]:
            loop(model, stream, kind)
        # A client that is not told so writes thoughts into the text; those of a loop are put back where they stood.
        for kind in [PLAIN, INTERLEAVED]:
            loop(model, stream, kind, sealed=False)
        for way in WAYS if model == HIDING else ["default store"]:
            conversation(model, stream, way)
    errors(stream)
