"""Tool loops and conversations through Responses of the official openai SDK. Usage: responses_loops.py GATEWAY SIMULATOR"""

import openai
from loops import (
    ADAPTIVE, ALL_HIDDEN, BUDGET, GATEWAY, HIDING, INTERLEAVED, KINDS, PARAMETERS, PLAIN, REDACTED, RESULT, THINKERS,
    again, assert_loop, check, clear, is_thinking, question, requests, shown, thoughts,
)

client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key="key-of-responses", max_retries=0, timeout=30)
TOOL = {"type": "function", "name": "get_weather", "description": "The weather in a city.", "parameters": PARAMETERS, "strict": False}
STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}
SUMMARY = {"reasoning": {"effort": "low", "summary": "auto"}}
EFFORT = {"reasoning": {"effort": "low"}}


def whole(**body):
    return client.responses.create(**body)


def helped(**body):
    """A stream, put together by the SDK's own helper."""
    with client.responses.stream(**body) as stream:
        return stream.get_final_response()


def gathered(**body):
    """A stream, of which the client keeps the items that are done, as Codex does."""
    items, response = [], None
    for event in client.responses.create(stream=True, **body):
        if event.type == "response.output_item.done":
            items.append(event.item)
        if event.type == "response.completed":
            response = event.response
    response.output = items
    return response


def sent(item, without_ids):
    """An item as a client sends it back."""
    back = item.model_dump(exclude_none=True, exclude={"parsed_arguments", "status"})
    for part in back.get("content", []):
        part.pop("parsed", None)
    if without_ids:
        back.pop("id", None)
    return back


def summary(response):
    return "".join(part.text for item in response.output if item.type == "reasoning" for part in item.summary)


def loop(model, ask, words, said, kind=PLAIN, without_ids=False):
    name = f"responses {ask.__name__}, {model}, {said}, {kind}, ids={not without_ids}"
    text, mark = question("responses", kind)
    body = {"model": model, "tools": [TOOL], "input": [{"role": "user", "content": text}], **STATELESS, **words}
    responses = []
    while not responses or any(item.type == "function_call" for item in responses[-1].output):
        responses.append(ask(**body))
        output = responses[-1].output
        body["input"] += [sent(item, without_ids) for item in output]
        calls = [item for item in output if item.type == "function_call"]
        body["input"] += [{"type": "function_call_output", "call_id": call.call_id, "output": RESULT} for call in calls]
    check(f"{name}: an answer", RESULT in responses[-1].output_text, responses[-1])
    # Of a thought that is not asked for, only the seal is shown.
    shows = summary(responses[0]) if words is SUMMARY else None
    assert_loop(name, mark, shows, kind)
    if words is EFFORT:
        check(f"{name}: nothing is shown", not summary(responses[0]), responses[0].output)
    sealed = [item.encrypted_content for item in responses[0].output if item.type == "reasoning"]
    check(f"{name}: sealed", sealed and all(sealed), responses[0].output)


def conversation(model, ask, words):
    """Without tools nothing is remembered by the gateway: the thoughts come back by their seals alone."""
    name = f"responses {ask.__name__}, {model}, a conversation"
    text, mark = question("responses", "Why is the sky blue?")
    body = {"model": model, "input": [{"role": "user", "content": text}], **STATELESS, **words}
    for next_question in ["And at night?", "And at noon?", None]:
        body["input"] += [sent(item, True) for item in ask(**body).output]
        body["input"] += [{"role": "user", "content": next_question}] if next_question else []
    seen = requests(mark)
    check(f"{name}: asked to think each time", len(seen) == 3 and all(is_thinking(it["body"]) for it in seen), seen)
    for earlier in seen[:-1]:
        turn = seen[-1]["body"]["messages"][len(earlier["body"]["messages"])]["content"]
        answer = again(earlier)
        check(f"{name}: its thought is before the model again", thoughts(answer) and turn == answer, (turn, answer))


def foreign():
    """A seal of somebody else's is left out, and the conversation goes on."""
    text, mark = question("responses", "Why is the sky blue?")
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABo"}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Because.", "annotations": []}]}
    given = [{"role": "user", "content": text}, thought, said, {"role": "user", "content": "And at night?"}]
    response = whole(model=HIDING, input=given, **STATELESS, **SUMMARY)
    turn = requests(mark)[0]["body"]["messages"][1]["content"]
    check("responses: a foreign seal is left out", response.status == "completed" and not shown(turn) and len(turn) == 1, turn)


def errors():
    """What the SDK makes of errors before a stream and in it."""
    try:
        whole(model=HIDING, input="Hi. [[fault:validation]]")
        check("responses: a validation is an error", False)
    except openai.BadRequestError as error:
        check("responses: a validation is an error", "simulated" in str(error), error)
    try:
        whole(model="nobody.knows-it", input="Hi.")
        check("responses: an unknown model is an error", False)
    except openai.NotFoundError as error:
        check("responses: an unknown model is an error", error.code == "model_not_found", error)
    events = list(client.responses.create(model=HIDING, input="Hi. [[fault:cut]]", stream=True))
    last = events[-1]
    check("responses: a stream that is cut ends as failed", last.type == "response.failed", last)
    check("responses: and says why", last.response.error.code == "server_error", last.response.error)
    response = whole(model=HIDING, input="Hi.", max_output_tokens=3)
    check("responses: the limit is told", response.incomplete_details.reason == "max_output_tokens", response)


clear()
for ask in [whole, helped, gathered]:
    for model in THINKERS:
        for kind in KINDS:
            loop(model, ask, SUMMARY, "summary", kind)
        loop(model, ask, EFFORT, "effort", PLAIN, without_ids=True)
        conversation(model, ask, SUMMARY)
        conversation(model, ask, EFFORT)
foreign()
errors()
