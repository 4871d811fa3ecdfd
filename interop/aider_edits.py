"""aider against the gateway, on both roads: a file is changed as the model answers, streamed, whole and with thoughts; errors are told.

Usage: aider_edits.py CONVERSE INVOKE SIMULATOR
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from loops_messages import BUDGET, CONVERSE, HIDING, INVOKE, NOVA  # noqa: E402
from loops_messages import check, is_thinking, question, simulator, together  # noqa: E402

OPTIONS = """--edit-format diff --yes-always --no-git --no-check-update --no-analytics --no-show-model-warnings
--no-show-release-notes --no-detect-urls --no-pretty --no-fancy-input --map-tokens 0""".split()
BEFORE, AFTER = 'print("hello")\n', 'print("goodbye")\n'
EDIT = f"[[say:Here it is.\n\ngreet.py\n```python\n<<<<<<< SEARCH\n{BEFORE}=======\n{AFTER}>>>>>>> REPLACE\n```\n]]"


def run(url, model, message, more):
    """What the file is in the end, and what the user sees."""
    with tempfile.TemporaryDirectory(prefix="aquifer-aider-") as home:
        file = pathlib.Path(home, "greet.py")
        file.write_text(BEFORE)
        # It looks for prices elsewhere unless it has some.
        prices = pathlib.Path(home, ".aider", "caches", "model_prices_and_context_window.json")
        prices.parent.mkdir(parents=True)
        prices.write_text('{"nothing": {}}')
        env = {"PATH": os.environ["PATH"], "HOME": home, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        env |= {"ANTHROPIC_API_KEY": "key-of-aider-itself", "ANTHROPIC_API_BASE": url}
        command = [sys.executable, "-m", "aider", "--model", f"anthropic/{model}", "--message", message, *OPTIONS, *more, "greet.py"]
        shape = {"cwd": home, "env": env, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 200}
        ran = subprocess.run(command, **shape)
        return file.read_text(), ran.stdout + ran.stderr


def edits(road, url, model, *more):
    name = f"aider, {road}, {model}, {' '.join(more)}"
    text, mark = question("aider", "Say goodbye instead.")
    file, said = run(url, model, f"{text} {EDIT}", more)
    check(f"{name}: the file is changed", file == AFTER, said)
    check(f"{name}: tells what it used", "Tokens: " in said and "Tokens: 0 sent" not in said, said)
    # Messages of its own come before the question.
    seen = [it for it in simulator("/simulator/requests") if mark in str(it["body"]["messages"])]
    check(f"{name}: takes its road, once", len(seen) == 1 and f"/{road}" in seen[0]["path"], [it["path"] for it in seen])
    if "--thinking-tokens" in more:
        check(f"{name}: the thought is asked for, and shown", is_thinking(seen[0]["body"]) and "THINKING" in said, said)


def fails(road, url, model):
    file, said = run(url, model, "[[fault:validation]] Hello?", [])
    check(f"aider, {road}, {model}: an error is told in Bedrock's words", file == BEFORE and "simulated" in said, said)


together([
    (edits, "converse", CONVERSE, HIDING),
    (edits, "converse", CONVERSE, NOVA, "--no-stream"),
    (edits, "invoke", INVOKE, HIDING, "--no-stream"),
    (edits, "invoke", INVOKE, BUDGET, "--thinking-tokens", "2000"),
    (fails, "invoke", INVOKE, HIDING),
])
