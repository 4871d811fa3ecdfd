"""Tool loops and conversations of LangChain's ChatOpenAI through Responses. Usage: langchain_responses.py GATEWAY SIMULATOR"""

import os

# Nothing is to be reported to anybody.
os.environ.update({"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"})

import openai  # noqa: E402
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402
from loops import GATEWAY, HIDING, KINDS, PLAIN, RESULT, THINKERS, WEATHER, again, assert_loop  # noqa: E402
from loops import check, clear, is_thinking, question, requests, thoughts, tokens  # noqa: E402

LOW = {"effort": "low", "summary": "auto"}
# How its users ask: with nothing said of `store`, with nothing kept, and with what the gateway keeps.
WAYS = {
    "default store": {},
    "responses/v1": {"output_version": "responses/v1"},
    "v1": {"output_version": "v1"},
    "store: false": {"store": False, "include": ["reasoning.encrypted_content"]},
    "previous_response_id": {"use_previous_response_id": True},
}


def chat(model, key="key-of-langchain", **more):
    made = ChatOpenAI(model=model, base_url=GATEWAY + "/v1", api_key=key, max_retries=0, timeout=30,
                      use_responses_api=True, reasoning=LOW, **more)
    return made.bind_tools([WEATHER])


def whole(made, messages):
    return made.invoke(messages)


def streamed(made, messages):
    joined = None
    for chunk in made.stream(messages):
        joined = chunk if joined is None else joined + chunk
    return joined


def summary(message):
    """The thought that the client shows, in either of its own forms."""
    parts = [part for part in message.content if isinstance(part, dict) and part["type"] == "reasoning"]
    if any("reasoning" in part for part in parts):
        return "".join(part.get("reasoning", "") for part in parts)
    return "".join(each["text"] for part in parts for each in part.get("summary", []))


def used(messages):
    counted = [message.usage_metadata for message in messages if isinstance(message, AIMessage)]
    return sum(each["input_tokens"] for each in counted), sum(each["output_tokens"] for each in counted)


def run(made, messages, ask):
    """Adds the turns of one question, until the model has answered it."""
    while not isinstance(messages[-1], AIMessage) or messages[-1].tool_calls:
        messages.append(ask(made, messages))
        messages += [ToolMessage(RESULT, tool_call_id=call["id"]) for call in messages[-1].tool_calls]


def loop(model, ask, way, kind):
    name = f"langchain responses {ask.__name__}, {model}, {way}, {kind}"
    clear()
    text, mark = question("langchain-responses", kind)
    messages = [SystemMessage("Be brief."), HumanMessage(text)]
    run(chat(model, **WAYS[way]), messages, ask)
    check(f"{name}: an answer", RESULT in messages[-1].text, messages)
    assert_loop(name, mark, summary(messages[2]), kind)
    check(f"{name}: usage", used(messages) == tokens(mark), (used(messages), tokens(mark)))


def conversation(model, ask, way):
    """Three questions, each with a loop: every signed thought is before the model again."""
    name = f"langchain responses {ask.__name__}, {model}, {way}, a conversation"
    clear()
    text, mark = question("langchain-responses")
    made, messages = chat(model, **WAYS[way]), [HumanMessage(text)]
    for next_question in ["What is the weather tomorrow?", "What is the weather in a week?", None]:
        run(made, messages, ask)
        check(f"{name}: an answer", RESULT in messages[-1].text, messages[-1])
        messages += [HumanMessage(next_question)] if next_question else []
    seen = requests(mark)
    check(f"{name}: asked to think each time", len(seen) == 6 and all(is_thinking(it["body"]) for it in seen), len(seen))
    for earlier in seen[:-1]:
        turn = seen[-1]["body"]["messages"][len(earlier["body"]["messages"])]["content"]
        check(f"{name}: its turn is before the model again", turn == again(earlier), (turn, again(earlier)))
    check(f"{name}: with thoughts", sum(bool(thoughts(again(it))) for it in seen) >= 3, [again(it) for it in seen])


def errors(ask):
    def raised(said, kind, made, text):
        try:
            ask(made, [HumanMessage(text)])
            check(f"langchain responses {ask.__name__}: {said}", False)
        except openai.OpenAIError as error:
            check(f"langchain responses {ask.__name__}: {said}", isinstance(error, kind), (type(error), error))

    raised("a validation", openai.BadRequestError, chat(HIDING), "Hi. [[fault:validation]]")
    raised("a throttling", openai.RateLimitError, chat(HIDING), "Hi. [[fault:throttling]]")
    raised("an error of the server's", openai.InternalServerError, chat(HIDING), "Hi. [[fault:internal]]")
    raised("an unknown model", openai.NotFoundError, chat("nobody.knows-it"), "Hi.")
    raised("a wrong key", openai.AuthenticationError, chat(HIDING, key="nobodys-key"), "Hi.")


for ask in [whole, streamed]:
    for model in THINKERS:
        for kind in KINDS if ask is streamed else [PLAIN]:
            loop(model, ask, "default store", kind)
        for way in WAYS if model == HIDING else ["default store"]:
            conversation(model, ask, way)
    errors(ask)
