// Anthropic's SDK for Node against the gateway: loops of tools and thoughts, streams, forms, counts, models and errors, on both roads.
// Usage: anthropic_node_loops.mjs CONVERSE INVOKE SIMULATOR
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema";
import {
  CONVERSE, FORM, HIDING, INVOKE, KINDS, NOVA, PLAIN, RESULT, ROADS, SCHEMA, TIME, WEATHER,
  assertLoop, check, question, same, simulator, thinking, together,
} from "./loops_messages.mjs";

// It warns of models whose end is near.
console.warn = () => {};
const SAME = { apiKey: "key-of-anthropic", maxRetries: 0, timeout: 30_000 };
const client = (baseURL, more) => new Anthropic({ baseURL, ...SAME, ...more });
const said = (message) => message.content.filter((it) => it.type === "text").map((it) => it.text).join("");

const whole = (surface, asked) => surface.create(asked);

// The stream's helper; what its listeners hear is what the message holds in the end.
async function streamed(surface, asked) {
  const heard = { text: "", thinking: "", signatures: [], json: undefined, blocks: [], events: [] };
  const stream = surface
    .stream(asked)
    .on("text", (piece) => (heard.text += piece))
    .on("thinking", (piece) => (heard.thinking += piece))
    .on("signature", (signature) => heard.signatures.push(signature))
    .on("inputJson", (_, snapshot) => (heard.json = snapshot))
    .on("contentBlock", (block) => heard.blocks.push(block))
    .on("streamEvent", (event) => heard.events.push(event.type));
  const message = await stream.finalMessage();
  const of = (type) => message.content.filter((it) => it.type === type);
  check("a stream's listeners hear its text", heard.text === said(message), [heard, message]);
  check("and its thoughts", heard.thinking === of("thinking").map((it) => it.thinking).join(""), [heard, message]);
  const signatures = of("thinking").map((it) => it.signature).filter(Boolean);
  check("and their signatures", same(heard.signatures.filter(Boolean), signatures), [heard, message]);
  check("and its calls", same(heard.json, of("tool_use").at(-1)?.input), [heard, message]);
  check("and every block", heard.blocks.length === message.content.length, [heard, message]);
  check("from its start to its stop", heard.events[0] === "message_start" && heard.events.at(-1) === "message_stop", heard);
  check("and it has the id of its request", Boolean(stream.request_id), heard);
  return message;
}

// The events as they come, without a helper.
async function raw(surface, asked) {
  const stream = await surface.create({ ...asked, stream: true });
  const left = [];
  for await (const event of stream) left.push(event);
  const end = left.find((it) => it.type === "message_delta");
  check("the end of a stream tells all that was used", end.usage.input_tokens > 0 && end.usage.output_tokens > 0, end);
  const starts = left.filter((it) => it.type === "content_block_start");
  check("blocks are counted from nothing", starts.every((it, at) => it.index === at), starts);
}

async function loop(road, url, model, way, surface, kind) {
  const name = `anthropic for Node, ${road}, ${model}, ${way.name}, ${surface}, ${kind}`;
  const [text, mark] = question("anthropic-node", kind);
  const messages = [{ role: "user", content: text }];
  const shape = { model, max_tokens: 4000, thinking: thinking(model), tools: [WEATHER, TIME] };
  const speaks = surface === "beta" ? client(url).beta.messages : client(url).messages;
  while (messages.at(-1).role === "user") {
    const message = await way(speaks, { ...shape, messages });
    // The road of InvokeModel leaves the model's own words as they are.
    const named = road === "converse" ? message.model === model : message.model.startsWith(model);
    check(`${name}: names the model`, named && message.usage.input_tokens > 0 && message.usage.output_tokens > 0, message);
    messages.push({ role: "assistant", content: message.content });
    const calls = message.content.filter((it) => it.type === "tool_use");
    check(`${name}: why it ends`, message.stop_reason === (calls.length ? "tool_use" : "end_turn"), message);
    const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: RESULT }));
    if (results.length) messages.push({ role: "user", content: results });
  }
  check(`${name}: an answer`, said(messages.at(-1)).includes(RESULT), messages);
  const first = messages[1].content[0];
  check(`${name}: shows a thought`, ["thinking", "redacted_thinking"].includes(first.type), messages[1]);
  await assertLoop(name, mark, road, model, kind);
}

// The SDK's own loop.
async function runner(road, url, model, stream) {
  const name = `anthropic for Node, ${road}, ${model}, tool runner, stream=${stream}`;
  const [text, mark] = question("anthropic-node");
  const run = ({ city }) => (city === "Paris" ? RESULT : "unknown");
  const weather = betaTool({ name: "get_weather", description: "The weather in a city.", inputSchema: SCHEMA, run });
  const asked = { model, max_tokens: 4000, thinking: thinking(model), tools: [weather], stream };
  const running = client(url).beta.messages.toolRunner({ ...asked, messages: [{ role: "user", content: text }] });
  let message;
  for await (const turn of running) message = stream ? await turn.finalMessage() : turn;
  check(`${name}: an answer`, said(message).includes(RESULT), message);
  await assertLoop(name, mark, road, model);
}

async function others(road, url, model) {
  const name = `anthropic for Node, ${road}, ${model}`;
  const messages = [{ role: "user", content: question("anthropic-node", FORM)[0] }];
  const format = jsonSchemaOutputFormat(SCHEMA);
  const message = await client(url).messages.parse({ model, max_tokens: 4000, messages, output_config: { format } });
  check(`${name}: answers in a form`, typeof message.parsed_output?.city === "string", message);
  const counted = await client(url).messages.countTokens({ model, messages, tools: [WEATHER] });
  check(`${name}: counts tokens`, counted.input_tokens > 10, counted);
  await raw(client(url).messages, { model, max_tokens: 4000, messages });
}

async function models(url) {
  const seen = [];
  for await (const model of client(url).models.list({ limit: 3 })) seen.push(model.id);
  check("anthropic for Node: lists models, page by page", seen.length > 6 && new Set(seen).size === seen.length, seen);
  const pages = [await client(url).models.list({ limit: 3 })];
  pages.push(await pages[0].getNextPage());
  check("the second page begins where the first ended", same(pages.flatMap((page) => page.data.map((it) => it.id)), seen.slice(0, 6)), pages);
  const before = await client(url).models.list({ limit: 2, before_id: seen[4] });
  check("pages go back too", same(before.data.map((it) => it.id), seen.slice(2, 4)), before);
  const one = await client(url).models.retrieve(seen[0]);
  check("anthropic for Node: tells of one", one.id === seen[0] && one.type === "model", one);
}

// What goes wrong, the class that is raised, its status, its kind and words of its text.
const FAULTS = {
  "validation": [Anthropic.BadRequestError, 400, "invalid_request_error", /simulated/],
  // The caller's own key is good: what AWS refuses is the gateway's credentials.
  "access-denied": [Anthropic.InternalServerError, 502, "api_error", /don't have access/],
  "not-found": [Anthropic.NotFoundError, 404, "not_found_error", /end of its life/],
  "throttling": [Anthropic.RateLimitError, 429, "rate_limit_error", /Too many tokens/],
  "model-not-ready": [Anthropic.RateLimitError, 429, "rate_limit_error", /not ready/],
  "internal": [Anthropic.InternalServerError, 500, "api_error", /unexpected error/],
  "model-error": [Anthropic.InternalServerError, 500, "api_error", /failed to answer/],
  "model-timeout": [Anthropic.InternalServerError, 504, "timeout_error", /too long/],
  "unavailable": [Anthropic.InternalServerError, 529, "overloaded_error", /unable to process/],
};

async function raised(name, call, [kind, status, type, words]) {
  const error = await call().then((answer) => check(`${name}: is raised`, false, answer), (raised) => raised);
  const told = [error.constructor.name, error.status, error.error, error.message];
  const right = error instanceof kind && error.status === status && error.error?.error?.type === type;
  check(`${name}: ${status} as ${kind.name}`, right && words.test(error.message), told);
  check(`${name}: with the id of its request`, status === undefined || error.requestID === error.error.request_id, told);
}

async function fails(road, url, model, way, fault) {
  const messages = [{ role: "user", content: `[[fault:${fault}]] Hello?` }];
  const name = `anthropic for Node, ${road}, ${model}, ${way.name}, ${fault}`;
  await raised(name, () => way(client(url).messages, { model, max_tokens: 100, messages }), FAULTS[fault]);
}

async function refusals(road, url, model) {
  const name = `anthropic for Node, ${road}, ${model}`;
  const ask = (speaks, content, way = whole) => way(speaks.messages, { model, max_tokens: 100, messages: [{ role: "user", content }] });
  const nobody = client(url, { apiKey: "nobodys-key", maxRetries: 3 });
  await raised(`${name}, no key`, () => ask(nobody, "Hello?"), [Anthropic.AuthenticationError, 401, "authentication_error", /key/]);
  const large = "x".repeat(3 << 20);
  await raised(`${name}, too large`, () => ask(client(url), large), [Anthropic.APIError, 413, "request_too_large", /./]);
  const broken = "[[fault:mid-stream-exception:throttlingException]] Hello?";
  await raised(`${name}, broken off`, () => ask(client(url), broken, streamed), [Anthropic.APIError, undefined, "rate_limit_error", /./]);
}

// The SDK asks again by itself where that may help, and only there.
async function retries(road, url, model) {
  const name = `anthropic for Node, ${road}, ${model}, retries`;
  const asked = async (fault) => {
    let count = 0;
    const fetches = (...request) => ((count += 1), fetch(...request));
    const speaks = client(url, { maxRetries: 1, fetch: fetches });
    const messages = [{ role: "user", content: `[[fault:${fault}]] Hello?` }];
    await speaks.messages.create({ model, max_tokens: 100, messages }).catch((error) => error);
    return count;
  };
  const [overloaded, refused, denied] = await Promise.all(["unavailable", "validation", "access-denied"].map(asked));
  check(`${name}: what may pass is asked again, what may not is not`, same([overloaded, refused, denied], [2, 1, 1]), [overloaded, refused, denied]);
}

function cases(road, url, model) {
  const here = [road, url, model];
  const found = KINDS.flatMap((kind) => [whole, streamed].map((way) => () => loop(...here, way, "plain", kind)));
  found.push(...[whole, streamed].map((way) => () => loop(...here, way, "beta", PLAIN)));
  found.push(() => runner(...here, false), () => runner(...here, true), () => others(...here));
  if ([HIDING, NOVA].includes(model)) {
    for (const fault of Object.keys(FAULTS)) found.push(...[whole, streamed].map((way) => () => fails(...here, way, fault)));
    found.push(() => refusals(...here), () => retries(...here));
  }
  return found;
}

for (const way of ROADS) await together(cases(...way));
await together([CONVERSE, INVOKE].map((url) => () => models(url)));
const streams = await simulator("/simulator/streams");
check("no stream was left open", streams.open === 0, streams);
