"""Tool loops through LangChain's ChatOpenAI and ChatDeepSeek. Usage: langchain_loops.py GATEWAY SIMULATOR"""

import os

# Nothing is to be reported to anybody.
os.environ.update({"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"})

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage  # noqa: E402
from langchain_deepseek import ChatDeepSeek  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402
from loops import KINDS, PLAIN, RESULT, THINKERS, WEATHER, Tap, again, assert_loop, check, clear  # noqa: E402
from loops import question, requests, thoughts  # noqa: E402

tap = Tap()
SAME = {"api_key": "key-of-langchain", "max_retries": 0, "timeout": 30}


def chat_openai(model, **more):
    return ChatOpenAI(model=model, base_url=tap.url + "/v1", **SAME, **more)


def chat_deepseek(model, **more):
    return ChatDeepSeek(model=model, api_base=tap.url + "/v1", **SAME, **more)


def ask(chat, messages, stream):
    if not stream:
        return chat.invoke(messages)
    joined = None
    for chunk in chat.stream(messages):
        joined = chunk if joined is None else joined + chunk
    return joined


def loop(make, model, stream, kind=PLAIN, **words):
    name = f"{make.__name__}, {model}, stream={stream}, {', '.join(words)}, {kind}"
    chat = make(model, **words).bind_tools([WEATHER])
    text, mark = question("langchain", kind)
    messages = [HumanMessage(text)]
    while not isinstance(messages[-1], AIMessage) or messages[-1].tool_calls:
        messages.append(ask(chat, messages, stream))
        messages += [ToolMessage(RESULT, tool_call_id=call["id"]) for call in messages[-1].tool_calls]
    check(f"{name}: an answer", RESULT in messages[-1].text, messages)
    # ChatOpenAI shows no reasoning, whatever it is sent; neither sends any back.
    reasoning = messages[1].additional_kwargs.get("reasoning_content", "") if make is chat_deepseek else None
    assert_loop(name, mark, reasoning, kind)
    tap.assert_back(name, mark, [])
    arguments = tap.turn(mark)["tool_calls"][0]["function"]["arguments"]
    check(f"{name}: writes the arguments anew", arguments == '{"city": "Paris"}', arguments)


def conversation(make, model):
    """A loop, a further question, another loop: the thoughts of the second are its own."""
    name = f"{make.__name__}, {model}, two loops"
    chat = make(model, reasoning_effort="low").bind_tools([WEATHER])
    text, mark = question("langchain")
    messages = [HumanMessage(text)]
    for again_asked in ["And the weather tomorrow?", None]:
        asked = ask(chat, messages, True)
        messages += [asked, *(ToolMessage(RESULT, tool_call_id=call["id"]) for call in asked.tool_calls)]
        messages.append(ask(chat, messages, True))
        check(f"{name}: an answer", RESULT in messages[-1].text, messages[-1])
        messages += [HumanMessage(again_asked)] if again_asked else []
    third, fourth = requests(mark)[2:]
    turn = fourth["body"]["messages"][len(third["body"]["messages"])]["content"]
    check(f"{name}: the second loop has its thought", thoughts(turn) and turn == again(third), (turn, again(third)))


clear()
for make in [chat_openai, chat_deepseek]:
    for model in THINKERS:
        for stream in [False, True]:
            for kind in KINDS:
                loop(make, model, stream, kind, reasoning_effort="low")
        conversation(make, model)
    loop(make, THINKERS[0], True, extra_body={"reasoning": {"effort": "low"}})
    loop(make, THINKERS[0], True, extra_body={"thinking": {"type": "enabled", "budget_tokens": 1024}})
