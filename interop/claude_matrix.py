"""The eleven things that Claude's clients want of a gateway, for three tiers of models, on both roads; the table stands in docs/claude-code.md.

Usage: claude_matrix.py CONVERSE INVOKE SIMULATOR
"""

import base64
import pathlib
import sys

import anthropic

sys.dont_write_bytecode = True
from loops_messages import CONVERSE, INVOKE, RESULT, WEATHER, check, question, requests, together  # noqa: E402

TIERS = {"opus": "claude-opus-5", "sonnet": "claude-sonnet-5", "haiku": "claude-haiku-4-5"}
ROADS = {"converse": CONVERSE, "invoke": INVOKE}
SAME = {"api_key": "key-of-anthropic", "max_retries": 0, "timeout": 30}
CLIENTS = {road: anthropic.Anthropic(base_url=url, **SAME) for road, url in ROADS.items()}
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()
PDF = base64.b64encode(
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
).decode()
LONG = "Mind every word of this. " * 800


def said(message):
    return "".join(block.text for block in message.content if block.type == "text")


def thinking(model):
    return {"type": "enabled", "budget_tokens": 2000} if "haiku" in model else {"type": "adaptive", "display": "summarized"}


class Cell:
    """One thing, asked of one model on one road."""

    def __init__(self, road, model):
        self.client, self.road, self.model = CLIENTS[road], road, model

    def ask(self, text="Hello?", content=None, streamed=False, **more):
        words, self.mark = question("matrix", text)
        asked = {"model": self.model, "max_tokens": 4000, **more}
        asked["messages"] = [{"role": "user", "content": (content or []) + [{"type": "text", "text": words}]}]
        if not streamed:
            return self.client.messages.create(**asked)
        with self.client.messages.stream(**asked) as stream:
            return stream.get_final_message()

    def sent(self):
        return requests(self.mark)[0]["body"]

    def holds(self, kind):
        """Whether the model got a block of this kind, in the words of its API."""
        blocks = [block for message in self.sent()["messages"] for block in message["content"]]
        return any(kind in block or block.get("type") == kind for block in blocks)

    def plain(self):
        message = self.ask()
        return message.stop_reason == "end_turn" and said(message) and message.usage.output_tokens > 0

    def streamed(self):
        message = self.ask(streamed=True)
        return message.stop_reason == "end_turn" and said(message) and message.usage.input_tokens > 0

    def tools(self):
        message = self.ask("What is the weather?", tools=[WEATHER])
        return message.stop_reason == "tool_use" and message.content[-1].input

    def fine_grained(self):
        tool = {**WEATHER, "eager_input_streaming": True}
        message = self.ask("What is the weather?", streamed=True, tools=[tool])
        return message.stop_reason == "tool_use" and message.content[-1].input

    def thinks(self):
        message = self.ask("Why?", streamed=True, thinking=thinking(self.model))
        return message.content[0].type == "thinking" and message.content[0].signature and said(message)

    def thinks_with_tools(self):
        asked = {"thinking": thinking(self.model), "tools": [WEATHER]}
        message = self.ask("What is the weather?", **asked)
        words = requests(self.mark)[0]["body"]["messages"]
        text = words[0]["content"][0]["text"]
        calls = [block for block in message.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls]
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": message.content}]
        messages.append({"role": "user", "content": results})
        answer = self.client.messages.create(model=self.model, max_tokens=4000, messages=messages, **asked)
        return message.content[0].signature and RESULT in said(answer)

    def images(self):
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        return said(self.ask("What is it?", [{"type": "image", "source": source}])) and self.holds("image")

    def pdf(self):
        source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
        return said(self.ask("What is it?", [{"type": "document", "source": source}])) and self.holds("document")

    def cached(self, **ttl):
        control = {"type": "ephemeral", **ttl}
        # What is remembered of one cell is nothing to another one.
        system = [{"type": "text", "text": f"{self.road} {self.model} {ttl} {LONG}", "cache_control": control}]
        first, second = self.ask(system=system).usage, self.ask(system=system).usage
        lasting = first.cache_creation and first.cache_creation.ephemeral_1h_input_tokens
        written = lasting if ttl else first.cache_creation_input_tokens
        return written and second.cache_read_input_tokens

    def five_minutes(self):
        return self.cached()

    def hour(self):
        return self.cached(ttl="1h")

    def web_search(self):
        """Bedrock has none: beside other tools it is left out, and forced it is refused in words that a client can act on."""
        search = {"type": "web_search_20250305", "name": "web_search"}
        beside = said(self.ask(tools=[search, WEATHER], tool_choice={"type": "none"}))
        try:
            self.ask(tools=[search], tool_choice={"type": "tool", "name": "web_search"})
        except anthropic.BadRequestError as error:
            check("a forced search is refused", "Bedrock does not run" in error.message, error.message)
            return bool(beside)
        return False


ROWS = {
    "plain messages, whole": Cell.plain,
    "plain messages, streamed": Cell.streamed,
    "tools": Cell.tools,
    "tools with fine-grained streaming": Cell.fine_grained,
    "thinking": Cell.thinks,
    "thinking with tools": Cell.thinks_with_tools,
    "images": Cell.images,
    "PDF": Cell.pdf,
    "caching for 5 minutes": Cell.five_minutes,
    "caching for an hour": Cell.hour,
    "web search": Cell.web_search,
}


def tick(row, asks, road, model):
    right = asks(Cell(road, model))
    check(f"{row}, {road}, {model}", bool(right), right)


table = ["| | " + " | ".join(f"{tier}, {road}" for road in ROADS for tier in TIERS) + " |", "|---|" + "---|" * 6]
for row, asks in ROWS.items():
    together([(tick, row, asks, road, model) for road in ROADS for model in TIERS.values()])
    cells = ["left out, or refused" if row == "web search" else "yes"] * len(ROADS) * len(TIERS)
    table.append(f"| {row} | " + " | ".join(cells) + " |")
told = "\n".join(table)
print(told)
document = pathlib.Path(__file__).resolve().parent.parent / "docs" / "claude-code.md"
between = document.read_text().partition("<!-- matrix -->\n")[2].partition("\n<!-- end of matrix -->")[0]
check("docs/claude-code.md has this table", between == told, between)
