"""Does OpenAI's SDK put the streams of Responses' fixtures together to the responses that they end with?

Usage: responses_fixtures.py FIXTURES SIMULATOR
"""

import http.server
import json
import pathlib
import sys
import threading

import openai

answer = {}


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers every request with what is to be tried."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(answer["status"])
        self.send_header("content-type", answer["type"])
        self.end_headers()
        # In pieces that split events and letters.
        for at in range(0, len(answer["data"]), 97):
            self.wfile.write(answer["data"][at : at + 97])

    def log_message(self, *_):
        pass


def told(items):
    """The members of items that are in the response, and not those that an SDK adds."""
    if isinstance(items, list):
        return [told(item) for item in items]
    if isinstance(items, dict):
        return {name: told(value) for name, value in items.items() if value is not None and name not in ("parsed", "parsed_arguments")}
    return items


def last(file):
    """The response with which a stream ends."""
    data = [line[6:] for line in file.read_text().splitlines() if line.startswith("data: ")]
    return json.loads(data[-1])["response"]


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="key", max_retries=0)
fixtures = pathlib.Path(sys.argv[1])
count = 0
for file in sorted(fixtures.glob("openai_responses/*/4-client-stream.txt")):
    expected = last(file)
    answer.update(status=200, type="text/event-stream", data=file.read_bytes())
    done, deltas = [], []
    with client.responses.stream(model="m", input="Hi.") as events:
        for event in events:
            if event.type == "response.output_item.done":
                done.append(event.item.model_dump(mode="json"))
            if event.type == "response.output_text.delta":
                deltas.append(event.delta)
        try:
            response = events.get_final_response()
        except RuntimeError:
            # It knows no other end than this one.
            if expected["status"] == "completed":
                sys.exit(f"{file}: the answer has no end")
            response = None
    items = expected["output"]
    # What was cut off is never done.
    if told(done) != told(items)[: len(done)] or len(items) > len(done) + 1:
        sys.exit(f"{file}: {done}")
    if response is not None:
        seen = response.model_dump(mode="json")
        if told(seen["output"]) != told(items) or seen["usage"] and seen["usage"]["total_tokens"] != expected["usage"]["total_tokens"]:
            sys.exit(f"{file}: {seen}")
        if response.output_text != "".join(deltas):
            sys.exit(f"{file}: {response.output_text}")
    count += 1
if count < 20:
    sys.exit(f"only {count} streams")
print(f"ok    {count} streams are put together")
count = 0
for file in sorted(fixtures.glob("openai_responses/*/4-client-answer.json")):
    body = json.loads(file.read_text())
    refused = "body" in body
    data = json.dumps(body["body"] if refused else body).encode()
    answer.update(status=body["status"] if refused else 200, type="application/json", data=data)
    try:
        response = client.responses.create(model="m", input="Hi.")
    except openai.BadRequestError as error:
        if not refused or error.code != body["body"]["error"]["code"] or error.param != body["body"]["error"]["param"]:
            sys.exit(f"{file}: {error}")
    else:
        if refused or told(response.model_dump(mode="json")["output"]) != told(body["output"]):
            sys.exit(f"{file}: {response}")
    count += 1
print(f"ok    {count} whole answers and errors are understood")
