"""What the suites over recorded answers share: the answers, the cuts of their bytes, a transport that gives them to an SDK.

The answers are lines that `corpus_answers` (an example of aquifer-translate) wrote: what a client is sent, and what the
recording says as a reader without the gateway understands it.
"""

import json
import multiprocessing
import random
import sys
import time
import zlib

# The most cuts at every byte of some streams together, and the longest stream that comes byte by byte.
CUT_EVERYWHERE = 6000
LONGEST = 4000


def load(path, dialect):
    """The answers for the clients of a dialect, and which of them are cut at every byte: the shortest of each kind."""
    answers = [answer for answer in map(json.loads, open(path)) if answer["dialect"] == dialect]
    kinds = {}
    for answer in sorted((answer for answer in answers if answer["streamed"]), key=lambda answer: len(answer["body"])):
        kinds.setdefault(kind(answer), answer)
    left = CUT_EVERYWHERE
    for answer in kinds.values():
        left -= len(answer["body"])
        answer["everywhere"] = left > 0
    return answers


def kind(answer):
    """What is in an answer, so that each kind is tried."""
    blocks = answer.get("said", {}).get("blocks", [])
    return tuple(sorted({name for block in blocks for name, value in block.items() if value})) or "failure"


def cuts(answer):
    """The pieces in which the bytes of an answer come, one way after the other."""
    body = answer["body"].encode()
    if not answer["streamed"]:
        yield "whole", [body]
        return
    chance = random.Random(answer["case"])
    yield "whole", [body]
    yield "event by event", [event + b"\n\n" for event in body.split(b"\n\n")[:-1]]
    if len(body) < LONGEST:
        yield "byte by byte", [body[at : at + 1] for at in range(len(body))]
    places = sorted(chance.sample(range(1, len(body)), min(len(body) - 1, chance.randint(1, 40))))
    yield "at random", [body[a:b] for a, b in zip([0, *places], [*places, len(body)])]
    for at in range(1, len(body)) if answer.get("everywhere") else ():
        yield f"at {at}", [body[:at], body[at:]]


def turn(answer, way, choices):
    """One of some choices, another one for each answer and way of cutting it: so all are tried, and not all with all."""
    return choices[zlib.crc32((answer["case"] + way).encode()) % len(choices)]


class Wire:
    """A transport for an SDK's client: whatever is asked, the answer is this one, in these pieces."""

    def __init__(self, http, request_id):
        class Pieces(http.SyncByteStream, http.AsyncByteStream):
            def __iter__(stream):
                yield from self.pieces

            async def __aiter__(stream):
                for piece in self.pieces:
                    yield piece

        def answer(_):
            kind = "text/event-stream; charset=utf-8" if self.streamed else "application/json"
            return http.Response(self.status, headers={"content-type": kind, request_id: "req_1"}, stream=Pieces())

        async def answer_later(request):
            return answer(request)

        self.client = http.Client(transport=http.MockTransport(answer))
        self.async_client = http.AsyncClient(transport=http.MockTransport(answer_later))

    def holds(self, answer, pieces):
        self.status, self.streamed, self.pieces = answer["status"], answer["streamed"], pieces


def same(answer, blocks, stop):
    """Complains unless these blocks and this end are those of the recording."""
    expected = answer["said"]["blocks"]
    if "tag" in answer:
        # Thoughts were written into the text, and stand apart now.
        tags = (f"<{answer['tag']}>", f"</{answer['tag']}>")
        blocks, expected = loose(blocks, tags), loose(expected, tags)
    else:
        blocks, expected = joined(blocks), joined(expected)
    assert blocks == expected, f"{blocks}\nis not\n{expected}"
    assert stop is None or stop == answer["said"]["stop"], f"{stop} is not {answer['said']['stop']}"


def joined(blocks):
    """Blocks without those in which nothing is said, and without what a server's tool did."""
    blocks = [{name: value for name, value in block.items() if name != "citations"} for block in blocks]
    return [block for block in blocks if block.get("text", 1) and (block.get("thinking", 1) or block.get("signature")) and "server" not in block]


def items(blocks):
    """The items without those in which nothing is said or done."""
    return [block for block in joined(blocks) if "server" not in block]


def same_calls(calls, expected):
    """Complains unless these are the calls of the recording. Their ids are shown in the form of OpenAI's."""
    assert [(call["name"], call["input"]) for call in calls] == [(call["name"], call["input"]) for call in expected], f"{calls} is not {expected}"
    assert len({call["call"] for call in calls}) == len(calls), calls


def loose(blocks, tags):
    """The words of blocks, whether thoughts or text, and their other members."""
    words = "".join(block.get("thinking", "") + block.get("text", "") for block in blocks)
    for tag in tags:
        words = words.replace(tag, "")
    others = [block for block in joined(blocks) if "text" not in block and "thinking" not in block]
    return "".join(words.split()), [block["signature"] for block in blocks if block.get("signature")], others


def parsed(arguments):
    """The arguments of a call, also where the model was cut off inside them."""
    try:
        return json.loads(arguments) if arguments else {}
    except ValueError:
        return arguments


def tokens(answer, name):
    """A count of the recording."""
    return (answer["said"]["usage"] or {}).get(name) or 0


def prompt(answer):
    """The whole prompt, in tokens."""
    return sum(tokens(answer, name) for name in ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"))


def report(client, path, dialect, check):
    """Lets `check(answer, pieces, way)` try every answer in every way, on two cores, and says what was tried."""
    begun = time.monotonic()
    answers = load(path, dialect)
    context = multiprocessing.get_context("fork")
    with context.Pool(2, initializer=prepare, initargs=(check,)) as pool:
        tried, faults = [0, 0, 0], []
        for counts, fault in pool.imap_unordered(one, answers, 8):
            tried = [a + b for a, b in zip(tried, counts)]
            faults += [fault] if fault else []
    for fault in sorted(faults)[:20]:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"{client}: {len(faults)} of {len(answers)} answers are understood otherwise")
    streams, wholes, ways = tried
    if streams < 500 or wholes < 500:
        sys.exit(f"{client}: only {streams} streams and {wholes} whole answers")
    print(f"ok    {client}: {streams} streams in {ways} cuts, {wholes} whole answers and errors, {time.monotonic() - begun:.0f} s")


def prepare(check):
    global checked
    checked = check()


def one(answer):
    """Tries one answer in every way."""
    ways = 0
    for way, pieces in cuts(answer):
        try:
            checked(answer, pieces, way)
        except Exception as error:
            return [0, 0, 0], f"{answer['case']} ({answer['api']}, {'streamed' if answer['streamed'] else 'whole'}, {way}): {type(error).__name__}: {error}"
        ways += 1
    return [answer["streamed"], not answer["streamed"], ways if answer["streamed"] else 0], None
