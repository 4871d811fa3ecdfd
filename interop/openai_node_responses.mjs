// Tool loops and conversations of the official openai SDK for Node, through Responses.
// Usage: openai_node_responses.mjs GATEWAY SIMULATOR
import OpenAI from "openai";
import {
  BASE, HIDING, KINDS, PARAMETERS, PLAIN, RESULT, THINKERS,
  again, assertLoop, check, clear, isThinking, question, reasoning, requests, same, tokens,
} from "./loops.mjs";

const settings = { baseURL: BASE, apiKey: "key-of-openai-node-loops", maxRetries: 0, timeout: 30000 };
const client = new OpenAI(settings);
const tools = [{ type: "function", name: "get_weather", description: "The weather in a city.", parameters: PARAMETERS, strict: false }];
const LOW = { reasoning: { effort: "low", summary: "auto" } };
// What goes back: the items, their seals without ids, or the id of the response alone.
const WAYS = {
  items: {},
  "without ids": { store: false, include: ["reasoning.encrypted_content"] },
  references: {},
  previous_response_id: {},
};

const asks = {
  whole: (body) => client.responses.create(body),
  helped: (body) => client.responses.stream(body).finalResponse(),
  // The events themselves: the items that are done are those of the response.
  gathered: async (body) => {
    const [items, said] = [[], { text: "" }];
    let response;
    for await (const event of await client.responses.create({ ...body, stream: true })) {
      if (event.type === "response.output_item.done") items.push(event.item);
      if (event.type === "response.output_text.delta") said.text += event.delta;
      if (event.type === "response.completed") response = event.response;
    }
    check("the items that are done are those of the response", same(items, response.output), { items, response });
    const texts = items.filter((item) => item.type === "message").flatMap((item) => item.content.map((part) => part.text));
    check("the deltas are its text", said.text === texts.join(""), { said, texts });
    return response;
  },
};

// Members that helpers add, and what only an answer has.
function back(item, way) {
  const { parsed_arguments, status, ...own } = item;
  if (own.content) own.content = own.content.map(({ parsed, ...part }) => part);
  if (way === "without ids") delete own.id;
  if (way === "references" && own.type !== "function_call") return { type: "item_reference", id: own.id };
  return own;
}

// Asks until the model calls no more tools; gives the responses, and the body that would go on.
async function answer(ask, way, body) {
  const responses = [];
  for (;;) {
    const response = await asks[ask](body);
    responses.push(response);
    const calls = response.output.filter((item) => item.type === "function_call");
    const results = calls.map((call) => ({ type: "function_call_output", call_id: call.call_id, output: RESULT }));
    const stored = way === "previous_response_id";
    const input = stored ? results : [...body.input, ...response.output.map((item) => back(item, way)), ...results];
    body = { ...body, input, ...(stored ? { previous_response_id: response.id } : {}) };
    if (calls.length === 0) return { responses, body };
  }
}

const summary = ({ output }) => output.filter((item) => item.type === "reasoning").flatMap((item) => item.summary.map((part) => part.text)).join("");
const texts = ({ output }) => output.filter((item) => item.type === "message").flatMap((item) => item.content.map((part) => part.text)).join("");

async function loop(model, ask, way, kind) {
  const name = `openai for Node ${ask}, responses, ${model}, ${way}, ${kind}`;
  await clear();
  const [text, mark] = question("openai-node-responses", kind);
  const first = { model, tools, input: [{ role: "user", content: text }], ...LOW, ...WAYS[way] };
  const { responses } = await answer(ask, way, first);
  check(`${name}: an answer`, texts(responses.at(-1)).includes(RESULT), responses.at(-1));
  await assertLoop(name, mark, summary(responses[0]), kind);
  const sum = (count) => responses.reduce((all, response) => all + response.usage[count], 0);
  check(`${name}: usage`, same([sum("input_tokens"), sum("output_tokens")], await tokens(mark)), responses);
}

// Three questions without tools: nothing is remembered of such turns, so that what comes back is what the client sent.
async function conversation(model, ask, way) {
  const name = `openai for Node ${ask}, responses, ${model}, ${way}, a conversation`;
  await clear();
  const [text, mark] = question("openai-node-responses", "Why is the sky blue?");
  let body = { model, input: [{ role: "user", content: text }], ...LOW, ...WAYS[way] };
  for (const next of ["And at night?", "And at noon?", undefined]) {
    ({ body } = await answer(ask, way, body));
    body.input.push({ role: "user", content: next });
  }
  const all = await requests(mark);
  check(`${name}: asked to think each time`, all.length === 3 && all.every((it) => isThinking(it.body)), all);
  for (const request of all.slice(0, -1)) {
    const said = await again(request);
    const turn = all[2].body.messages[request.body.messages.length].content;
    check(`${name}: its thought is before the model again`, reasoning(said).length > 0 && same(turn, said), { turn, said });
  }
}

async function errors(ask) {
  const raised = async (said, kind, body, made = (it) => asks[ask](it)) => {
    try {
      await made({ model: HIDING, input: "Hi.", ...body });
      check(`openai for Node ${ask}, responses: ${said}`, false);
    } catch (error) {
      check(`openai for Node ${ask}, responses: ${said}`, error instanceof kind, `${error}`);
    }
  };
  await raised("a validation", OpenAI.BadRequestError, { input: "Hi. [[fault:validation]]" });
  await raised("a throttling", OpenAI.RateLimitError, { input: "Hi. [[fault:throttling]]" });
  await raised("an error of the server's", OpenAI.InternalServerError, { input: "Hi. [[fault:internal]]" });
  await raised("an unknown model", OpenAI.NotFoundError, { model: "nobody.knows-it" });
  await raised("a response that is not there", OpenAI.NotFoundError, { previous_response_id: "resp_of_nobody" });
  const stranger = new OpenAI({ ...settings, apiKey: "nobodys-key" });
  await raised("a wrong key", OpenAI.AuthenticationError, {}, (body) => stranger.responses.create(body));
}

// What the SDK asks of a response that is remembered.
async function remembered() {
  const told = await client.responses.create({ model: HIDING, input: "Hi.", ...LOW });
  const got = await client.responses.retrieve(told.id);
  check("a response is there again", same(got.output, told.output) && same(got.usage, told.usage), got);
  await client.responses.delete(told.id);
  const gone = await client.responses.retrieve(told.id).catch((error) => error);
  check("and is forgotten", gone instanceof OpenAI.NotFoundError, gone);
  const counted = await client.responses.inputTokens.count({ model: HIDING, input: "How long is this?" });
  check("tokens are counted", counted.input_tokens > 5, counted);
}

for (const ask of Object.keys(asks)) {
  for (const model of THINKERS) {
    for (const kind of KINDS) await loop(model, ask, "items", kind);
    for (const way of Object.keys(WAYS)) {
      await loop(model, ask, way, PLAIN);
      await conversation(model, ask, way);
    }
  }
  await errors(ask);
}
await remembered();
