"""claude-agent-sdk against the gateway, on both roads: tools of Claude Code and of the program, thoughts, a session that goes on, errors.

Usage: claude_agent.py CONVERSE INVOKE SIMULATOR
"""

import asyncio
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
from claude_agent_sdk import AssistantMessage, ClaudeAgentOptions, ResultMessage, StreamEvent  # noqa: E402
from claude_agent_sdk import TextBlock, ThinkingBlock, create_sdk_mcp_server, query, tool  # noqa: E402
from loops_messages import BUDGET, CONVERSE, HIDING, INVOKE, NOVA, RESULT  # noqa: E402
from loops_messages import blocks, check, is_thought, question, requests, together  # noqa: E402

PLACES = [("converse", CONVERSE, HIDING), ("converse", CONVERSE, NOVA), ("invoke", INVOKE, HIDING), ("invoke", INVOKE, BUDGET)]
QUIET = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING", "DISABLE_AUTOUPDATER")


@tool("get_weather", "The weather in a city.", {"city": str})
async def get_weather(asked):
    return {"content": [{"type": "text", "text": RESULT if asked["city"] == "Paris" else "unknown"}]}


def run(home, url, model, text, **more):
    """All that a query gives."""
    env = {"HOME": home, "CLAUDE_CONFIG_DIR": f"{home}/.claude", "ANTHROPIC_BASE_URL": url, **dict.fromkeys(QUIET, "1")}
    env |= {"ANTHROPIC_AUTH_TOKEN": "key-of-claude-code-itself", "CLAUDE_CODE_MAX_RETRIES": "1", "ENABLE_TOOL_SEARCH": "false"}
    options = ClaudeAgentOptions(
        model=model,
        cwd=home,
        env=env,
        setting_sources=[],
        allowed_tools=["Bash", "mcp__weather__get_weather"],
        mcp_servers={"weather": create_sdk_mcp_server("weather", tools=[get_weather])},
        include_partial_messages=True,
        **more,
    )

    async def listen():
        seen = []
        try:
            async for message in query(prompt=text, options=options):
                seen.append(message)
        except Exception as error:
            seen.append(error)
        return seen

    return asyncio.run(asyncio.wait_for(listen(), 60))


def result(seen):
    return next(message for message in seen if isinstance(message, ResultMessage))


def kept(seen, kind):
    return [block for message in seen if isinstance(message, AssistantMessage) for block in message.content if isinstance(block, kind)]


def thoughts_in(body):
    turns = [turn for turn in body["messages"] if turn["role"] == "assistant"]
    return [block for turn in turns for block in blocks(turn) if is_thought(block)]


def works(home, road, url, model):
    name = f"claude-agent-sdk, {road}, {model}"
    text, mark = question("agent", "Please write a file, and tell me the weather.")
    orders = 'Bash {"command": "echo done > one.txt", "description": "Writes a file"}', 'mcp__weather__get_weather {"city": "Paris"}'
    seen = run(home, url, model, text + "".join(f" [[call:{order}]]" for order in orders))
    end = result(seen)
    written = pathlib.Path(home, "one.txt").exists()
    check(f"{name}: a tool of Claude Code and one of the program", written and RESULT in end.result, seen[-3:])
    used = end.usage
    check(f"{name}: tells what it used", used["input_tokens"] > 0 and used["output_tokens"] > 0 and end.num_turns > 1, end)
    told = "".join(event.event["delta"].get("text", "") for event in seen if isinstance(event, StreamEvent) and "delta" in event.event)
    check(f"{name}: tells it as it comes", told == "".join(block.text for block in kept(seen, TextBlock)), told)
    thoughts = kept(seen, ThinkingBlock)
    check(f"{name}: keeps signed thoughts", model == NOVA or (thoughts and all(block.signature for block in thoughts)), seen[-3:])
    steps = [it["body"] for it in requests(mark) if it["body"].get("tools") or it["body"].get("toolConfig")]
    check(f"{name}: its thought is before the model again", model == NOVA or any(thoughts_in(steps[-1])), steps[-1]["messages"])
    check(f"{name}: takes its road", all(f"/{road}" in it["path"] for it in requests(mark)))
    on = run(home, url, model, "Did it work? [[say:It worked.]]", resume=end.session_id)
    check(f"{name}: the session goes on", result(on).result == "It worked.", on[-3:])
    back = thoughts_in(requests(mark)[-1]["body"])
    check(f"{name}: with all that was thought", model == NOVA or len(back) == len(thoughts), back)


def fails(home, road, url, model):
    name = f"claude-agent-sdk, {road}, {model}"
    end = result(run(home, url, model, "[[fault:validation]] Hello?"))
    check(f"{name}: an error is told in Bedrock's words", end.is_error and "simulated" in end.result, end)


with tempfile.TemporaryDirectory(prefix="aquifer-claude-agent-") as place:
    cases = [(works, *way) for way in PLACES] + [(fails, *PLACES[0]), (fails, *PLACES[2])]
    homes = [pathlib.Path(place, str(at)) for at in range(len(cases))]
    for home in homes:
        os.mkdir(home)
    together([(case[0], str(home), *case[1:]) for case, home in zip(cases, homes)])
