"""Tool loops and conversations of OpenAI's agents SDK through Responses. Usage: openai_agents_loops.py GATEWAY SIMULATOR"""

import asyncio
import logging

import openai
from agents import Agent, ModelSettings, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from loops import (
    BUDGET, GATEWAY, HIDING, KINDS, PLAIN, RESULT, STEPS, THINKERS,
    again, assert_loop, check, clear, is_thinking, question, requests, thoughts, tokens,
)
from openai.types.shared import Reasoning

set_tracing_disabled(True)
# It logs every error that it raises.
logging.disable(logging.ERROR)
LOW = Reasoning(effort="low", summary="auto")
# Where nothing is said of `store`, what the SDK sends back is the items themselves.
DEFAULT = ModelSettings(reasoning=LOW)
STATELESS = ModelSettings(reasoning=LOW, store=False, response_include=["reasoning.encrypted_content"])


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return RESULT if city == "Paris" else "unknown"


def agent(model, settings, key="key-of-openai-agents"):
    client = openai.AsyncOpenAI(base_url=GATEWAY + "/v1", api_key=key, max_retries=0, timeout=30)
    answers = OpenAIResponsesModel(model=model, openai_client=client)
    return Agent(name="weather", instructions="Be brief.", model=answers, model_settings=settings, tools=[get_weather])


async def whole(made, given, **more):
    return await Runner.run(made, given, max_turns=5, **more)


async def streamed(made, given, **more):
    """A run whose events are read as they come; its words are those of its answers."""
    running = Runner.run_streamed(made, given, max_turns=5, **more)
    said = ""
    async for event in running.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            said += event.data.delta
    texts = [part.text for answer in running.raw_responses for item in answer.output if item.type == "message" for part in item.content]
    check("a stream's text is that of its answers", said == "".join(texts), (said, texts))
    return running


def summary(answer):
    return "".join(part.text for item in answer.output if item.type == "reasoning" for part in item.summary)


async def loop(model, run, settings, said, kind=PLAIN, **more):
    name = f"openai-agents {run.__name__}, {model}, {said}, {kind}"
    clear()
    text, mark = question("openai-agents", kind)
    done = await run(agent(model, settings), text, **more)
    check(f"{name}: an answer", RESULT in done.final_output, done.final_output)
    assert_loop(name, mark, summary(done.raw_responses[0]), kind)
    used = done.context_wrapper.usage
    check(f"{name}: usage", (used.input_tokens, used.output_tokens) == tokens(mark), (used, tokens(mark)))
    check(f"{name}: requests", used.requests == (3 if kind == STEPS else 2), used)


async def conversation(model, run, settings, said, stored=False):
    """Three questions, each with a loop: every signed thought is before the model again, by what the SDK sends or keeps."""
    name = f"openai-agents {run.__name__}, {model}, {said}, a conversation"
    made = agent(model, settings)
    clear()
    text, mark = question("openai-agents")
    given, more = text, {}
    for next_question in ["What is the weather tomorrow?", "What is the weather in a week?", None]:
        done = await run(made, given, **more)
        check(f"{name}: an answer", RESULT in done.final_output, done.final_output)
        ask = [{"role": "user", "content": next_question}]
        given = ask if stored else done.to_input_list() + ask
        more = {"previous_response_id": done.last_response_id} if stored else {}
    seen = requests(mark)
    check(f"{name}: asked to think each time", len(seen) == 6 and all(is_thinking(it["body"]) for it in seen), len(seen))
    for earlier in seen[:-1]:
        turn = seen[-1]["body"]["messages"][len(earlier["body"]["messages"])]["content"]
        check(f"{name}: its turn is before the model again", turn == again(earlier), (turn, again(earlier)))
    check(f"{name}: with thoughts", sum(bool(thoughts(again(it))) for it in seen) >= 3, [again(it) for it in seen])


async def errors(run):
    name = f"openai-agents {run.__name__}"

    async def raised(said, kind, made, text):
        try:
            await run(made, text)
            check(f"{name}: {said}", False)
        except kind as error:
            check(f"{name}: {said}", True, error)
        except Exception as error:  # noqa: BLE001
            check(f"{name}: {said}", False, (type(error), error))

    known = agent(HIDING, DEFAULT)
    await raised("a validation", openai.BadRequestError, known, "Hi. [[fault:validation]]")
    await raised("a throttling", openai.RateLimitError, known, "Hi. [[fault:throttling]]")
    await raised("an unknown model", openai.NotFoundError, agent("nobody.knows-it", DEFAULT), "Hi.")
    await raised("a wrong key", openai.AuthenticationError, agent(HIDING, DEFAULT, key="nobodys-key"), "Hi.")
    await raised("an error of the server's", openai.InternalServerError, known, "Hi. [[fault:internal]]")
    try:
        await run(known, "Hi.", previous_response_id="resp_of_nobody")
        check(f"{name}: a response that is not there", False)
    except openai.NotFoundError as error:
        check(f"{name}: a response that is not there", error.code == "previous_response_not_found", error)


async def all_of_it():
    for run in [whole, streamed]:
        for model in THINKERS:
            for kind in KINDS if run is streamed else [PLAIN]:
                await loop(model, run, DEFAULT, "default store", kind)
            await loop(model, run, STATELESS, "store: false")
            await loop(model, run, DEFAULT, "what is remembered", PLAIN, auto_previous_response_id=True)
        for model in [BUDGET, HIDING]:
            await conversation(model, run, DEFAULT, "default store")
            await conversation(model, run, STATELESS, "store: false")
            await conversation(model, run, DEFAULT, "previous_response_id", stored=True)
        await errors(run)


asyncio.run(all_of_it())
