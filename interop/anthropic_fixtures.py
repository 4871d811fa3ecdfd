"""Does Anthropic's SDK put the streams of the fixtures together to the whole answers beside them, on both of its surfaces?

Usage: anthropic_fixtures.py FIXTURES
"""

import http.server
import json
import pathlib
import sys
import threading

import anthropic

answer = {}


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers every request with what is to be tried."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(answer["status"])
        self.send_header("content-type", answer["type"])
        self.send_header("request-id", "req_1")
        self.end_headers()
        # In pieces that split events and letters.
        for at in range(0, len(answer["data"]), 97):
            self.wfile.write(answer["data"][at : at + 97])

    def log_message(self, *_):
        pass


def told(blocks):
    """The members of blocks that Anthropic's API has, and not those that an SDK adds."""
    added = ("parsed_output", "caller", "toolset_name")
    return [{name: value for name, value in block.items() if value is not None and name not in added} for block in blocks]


def stream(surface, file):
    answer.update(status=200, type="text/event-stream", data=file.read_bytes())
    with surface.stream(**asked) as events:
        for _ in events:
            pass
        return json.loads(events.get_final_message().to_json())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = anthropic.Anthropic(base_url=f"http://127.0.0.1:{server.server_port}", api_key="key", max_retries=0)
asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]}
count = 0
for file in sorted(pathlib.Path(sys.argv[1]).glob("anthropic_messages/*/4-client-stream.txt")):
    for surface in (client.messages, client.beta.messages):
        try:
            seen = stream(surface, file)
        except anthropic.APIStatusError as error:
            if "event: error" not in file.read_text():
                sys.exit(f"{file}: {error}")
            count += 1
            continue
        if seen["stop_reason"] is None:
            sys.exit(f"{file}: the answer has no end")
        whole = file.with_name("4-client-answer.json")
        if whole.exists():
            expected = json.loads(whole.read_text())
            for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
                if seen["usage"][name] != expected["usage"][name]:
                    sys.exit(f"{file}: {name} is {seen['usage'][name]}")
            if told(seen["content"]) != told(expected["content"]) or seen["stop_reason"] != expected["stop_reason"]:
                sys.exit(f"{file}: {seen}")
        count += 1
print(f"ok    {count} streams are put together")
count = 0
for file in sorted(pathlib.Path(sys.argv[1]).glob("anthropic_messages/*/4-client-answer.json")):
    body = json.loads(file.read_text())
    refused = "status" in body
    data = json.dumps(body["body"] if refused else body).encode()
    answer.update(status=body["status"] if refused else 200, type="application/json", data=data)
    try:
        message = client.messages.create(**asked)
    except anthropic.BadRequestError as error:
        if not refused or error.body["error"]["message"] != body["body"]["error"]["message"]:
            sys.exit(f"{file}: {error}")
    else:
        if refused or message.role != "assistant":
            sys.exit(f"{file}: {message}")
    count += 1
print(f"ok    {count} whole answers and errors are understood")
