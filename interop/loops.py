"""What the suites of tool loops share: the way to the simulator, the questions, and what must be true at the end.

A loop is a question, the model's call of a tool, the tool's result and the answer. That the model was still thinking
in the second turn is seen at the simulator: it was asked to, and its own reasoning was before it again, seal and all.
"""

import http.client
import http.server
import itertools
import json
import sys
import threading
import urllib.parse
import urllib.request

GATEWAY, SIMULATOR = sys.argv[1], sys.argv[2]
DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0"
BUDGET = "anthropic.claude-sonnet-4-20250514-v1:0"
ADAPTIVE = "anthropic.claude-opus-4-6-v1"
HIDING = "anthropic.claude-opus-4-7"
REDACTED = "openai.gpt-5.6-sol"
THINKERS = [BUDGET, ADAPTIVE, HIDING, REDACTED]
RESULT = "18 C"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather in a city.", "parameters": PARAMETERS},
}
FIELDS = ["reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"]
# What is asked, each with a loop of its own kind.
PLAIN = "What is the weather?"
STEPS = "What is the weather? Take two steps."
INTERLEAVED = "[[fault:interleaved]] What is the weather?"
SOME_REDACTED = "[[fault:redacted]] What is the weather?"
ALL_HIDDEN = "[[fault:signature-only]] What is the weather?"
TWO_CALLS = "[[fault:two-tools]] What is the weather?"
KINDS = [PLAIN, STEPS, INTERLEAVED, SOME_REDACTED, ALL_HIDDEN, TWO_CALLS]
BETA = "interleaved-thinking-2025-05-14"
COUNT = itertools.count(1)


def check(name, right, seen=None):
    print(("ok    " if right else "WRONG ") + name, flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def question(name, text=PLAIN):
    """A question that no other request holds, and the mark by which it is known."""
    mark = f"({name} {next(COUNT)})"
    return f"{text} {mark}", mark


def simulator(path, method="GET", body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SIMULATOR + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def clear():
    simulator("/simulator/requests", "DELETE")


def requests(mark):
    """What reached the model of the conversation with this mark, in order."""
    log = simulator("/simulator/requests")
    return [it for it in log if "x-again" not in it["headers"] and mark in json.dumps(it["body"]["messages"][0])]


def answered(request):
    """What the simulator answers to a request: the same whenever it is asked."""
    path = request["path"].removesuffix("-stream")
    headers = {"authorization": "Bearer again", "x-again": "1"}
    return simulator(path, "POST", request["body"], **headers)


def again(request):
    """The blocks of that answer."""
    return answered(request)["output"]["message"]["content"]


def tokens(mark):
    """What all calls of the conversation with this mark counted: what was read, and what was written."""
    used = [answered(request)["usage"] for request in requests(mark)]
    return sum(each["inputTokens"] for each in used), sum(each["outputTokens"] for each in used)


def thoughts(blocks):
    """The reasoning before anything else."""
    return list(itertools.takewhile(lambda block: "reasoningContent" in block, blocks))


def shown(blocks):
    """The text of the reasoning that can be read."""
    inside = (block["reasoningContent"].get("reasoningText", {}) for block in blocks if "reasoningContent" in block)
    return "".join(text.get("text", "") for text in inside)


def is_thinking(body):
    own = body.get("additionalModelRequestFields", {})
    effort = own.get("reasoning", {}).get("effort")
    return own.get("thinking", {}).get("type") in ("enabled", "adaptive") or effort not in (None, "none")


def thinks_between(request):
    """Whether the model also thinks when a tool has answered: one with a budget is asked to by a beta."""
    own = request["body"]["additionalModelRequestFields"]
    return request["model"] != BUDGET or BETA in own.get("anthropic_beta", [])


def outline(request):
    """A request in short: how it asks to think, and the kinds of blocks of its turns."""
    body = request["body"]
    kinds = [[next(iter(block)) for block in turn["content"]] for turn in body["messages"]]
    return body.get("additionalModelRequestFields"), kinds


def assert_loop(name, mark, reasoning=None, kind=PLAIN):
    """The loop with this mark had its steps, each with the reasoning of those before.

    `reasoning` is what the client showed of the first answer, when it shows any.
    """
    steps = 3 if kind == STEPS else 2
    seen = requests(mark)
    check(f"{name}: {steps} requests", len(seen) == steps, [outline(request) for request in seen])
    for number, request in enumerate(seen, 1):
        check(f"{name}: asked to think, step {number}", is_thinking(request["body"]), request["body"])
    switches = [request["body"].get("additionalModelRequestFields") for request in seen]
    check(f"{name}: always in the same way", all(switch == switches[0] for switch in switches), switches)
    answers = [again(request) for request in seen[:-1]]
    for before, (earlier, answer) in enumerate(zip(seen, answers)):
        if before == 0 or thinks_between(earlier):
            check(f"{name}: step {before + 1} thought first", thoughts(answer), answer)
        for later in seen[before + 1 :]:
            turn = later["body"]["messages"][len(earlier["body"]["messages"])]
            check(f"{name}: its thought is before the model again", turn["content"] == answer, (answer, turn))
    if reasoning is not None:
        check(f"{name}: the client shows the thought", reasoning == shown(answers[0]), (reasoning, answers[0]))


class Tap:
    """A place between a client and the gateway, where the client's own words are read."""

    def __init__(self):
        self.bodies = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(self):
        bodies, gateway = self.bodies, urllib.parse.urlsplit(GATEWAY)
        own = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                bodies.append(json.loads(body))
                connection = http.client.HTTPConnection(gateway.hostname, gateway.port, timeout=30)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
                connection.request("POST", self.path, body, headers)
                answer = connection.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in own:
                        self.send_header(name, value)
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    while part := answer.read1():
                        self.wfile.write(part)
                        self.wfile.flush()
                except (BrokenPipeError, ConnectionResetError):
                    # The client left; so does its stand-in.
                    connection.close()

        return Handler

    def turn(self, mark):
        """The model's first turn, as the client sent it back last."""
        bodies = [body for body in self.bodies if mark in json.dumps(body["messages"][0])]
        return next(message for message in bodies[-1]["messages"] if message["role"] == "assistant")

    def assert_back(self, name, mark, fields):
        """The fields in which the client sent reasoning back; of reasoning that nobody can read, no others."""
        back = {field for field in FIELDS if self.turn(mark).get(field)}
        sealed = not shown(again(requests(mark)[0]))
        right = back <= set(fields) if sealed else back == set(fields)
        check(f"{name}: sends back {', '.join(fields) or 'nothing'}", right, self.turn(mark))
