// Tool loops and conversations of Vercel's AI SDK with OpenAI's own provider, through Responses.
// Usage: vercel_responses.mjs GATEWAY SIMULATOR
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import {
  BASE, HIDING, KINDS, PARAMETERS, PLAIN, RESULT, THINKERS,
  again, assertLoop, bodiesOf, check, clear, isThinking, question, reasoning, requests, same, shown, tapped, tokens,
} from "./loops.mjs";

const settings = { baseURL: BASE, apiKey: "key-of-vercel-sdk", fetch: tapped };
const openai = createOpenAI(settings);
const weather = tool({ description: "The weather in a city.", inputSchema: jsonSchema(PARAMETERS), execute: () => RESULT });
// It asks only those models to think of whose names it knows that they do, unless it is told.
const LOW = { reasoningEffort: "low", reasoningSummary: "auto", forceReasoning: true };
// With `store` left at its default it sends references to items, else the items with their seals.
const WAYS = {
  "default store": LOW,
  "store: false": { ...LOW, store: false, include: ["reasoning.encrypted_content"] },
};

// Runs to the end and gives its steps; a stream also gives the kinds of its parts, in order.
async function run(stream, ask) {
  if (!stream) {
    const done = await generateText(ask);
    return { steps: done.steps, used: done.totalUsage, order: [] };
  }
  let failed;
  const running = streamText({ ...ask, onError: ({ error }) => (failed = error) });
  const order = [];
  for await (const part of running.fullStream) if (part.type !== order.at(-1)) order.push(part.type);
  if (failed) throw failed;
  return { steps: await running.steps, used: await running.totalUsage, order };
}

const asked = (model, way) => ({ model: openai.responses(model), providerOptions: { openai: WAYS[way] }, maxRetries: 0 });

// The kinds of what the client sent last of this conversation.
const sent = (mark) => bodiesOf(mark).at(-1).input.map((item) => item.type ?? item.role);

async function loop(model, stream, way, kind = PLAIN) {
  const name = `vercel responses, ${model}, stream=${stream}, ${way}, ${kind}`;
  await clear();
  const [text, mark] = question("vercel-responses", kind);
  const ask = { ...asked(model, way), prompt: text, tools: { get_weather: weather }, stopWhen: stepCountIs(4) };
  const { steps, used, order } = await run(stream, ask);
  check(`${name}: an answer`, steps.at(-1).text.includes(RESULT), steps.at(-1).text);
  const [answer] = await assertLoop(name, mark, undefined, kind);
  const thought = shown(answer);
  check(`${name}: the client shows the thought`, (steps[0].reasoningText ?? "") === thought, { seen: steps[0].reasoningText, answer });
  check(`${name}: usage`, same([used.inputTokens, used.outputTokens], await tokens(mark)), { used, counted: await tokens(mark) });
  const back = sent(mark);
  const references = way === "default store";
  check(`${name}: sends back ${references ? "references" : "items"}`, back.includes(references ? "item_reference" : "reasoning"), back);
  if (stream && thought && kind === PLAIN) {
    const kinds = order.filter((part) => ["reasoning-delta", "text-delta", "tool-call"].includes(part)).slice(0, 3);
    check(`${name}: thought, text, call`, same(kinds, ["reasoning-delta", "text-delta", "tool-call"]), order);
  }
}

// Three questions, each with a loop: every signed thought is before the model again.
async function conversation(model, stream, way, tools) {
  const name = `vercel responses, ${model}, stream=${stream}, ${way}, ${tools ? "loops" : "no tools"}, a conversation`;
  await clear();
  const [text, mark] = question("vercel-responses", tools ? PLAIN : "Why is the sky blue?");
  const messages = [{ role: "user", content: text }];
  const more = tools ? { tools: { get_weather: weather }, stopWhen: stepCountIs(4) } : {};
  for (const next of [tools ? "What is the weather tomorrow?" : "And at night?", tools ? "The weather at noon?" : "And at noon?", undefined]) {
    const { steps } = await run(stream, { ...asked(model, way), ...more, messages });
    messages.push(...steps.at(-1).response.messages);
    if (next) messages.push({ role: "user", content: next });
  }
  const all = await requests(mark);
  const count = tools ? 6 : 3;
  check(`${name}: asked to think each time`, all.length === count && all.every((it) => isThinking(it.body)), all.length);
  for (const request of all.slice(0, -1)) {
    const answer = await again(request);
    const turn = all.at(-1).body.messages[request.body.messages.length].content;
    check(`${name}: its turn is before the model again`, same(turn, answer), { turn, answer });
    if (!tools) check(`${name}: with its thought`, reasoning(turn).length > 0, turn);
  }
}

async function errors(stream) {
  const raised = async (said, status, more, prompt) => {
    try {
      await run(stream, { ...asked(HIDING, "default store"), prompt, ...more });
      check(`vercel responses, stream=${stream}: ${said}`, false);
    } catch (error) {
      const right = APICallError.isInstance(error) && error.statusCode === status;
      check(`vercel responses, stream=${stream}: ${said}`, right, `${error.name} ${error.statusCode} ${error.message}`);
    }
  };
  await raised("a validation", 400, {}, "Hi. [[fault:validation]]");
  await raised("a throttling", 429, {}, "Hi. [[fault:throttling]]");
  await raised("an error of the server's", 500, {}, "Hi. [[fault:internal]]");
  await raised("an unknown model", 404, { model: openai.responses("nobody.knows-it") }, "Hi.");
  const stranger = createOpenAI({ ...settings, apiKey: "nobodys-key" });
  await raised("a wrong key", 401, { model: stranger.responses(HIDING) }, "Hi.");
}

for (const stream of [false, true]) {
  for (const way of Object.keys(WAYS)) {
    for (const model of THINKERS) {
      for (const kind of KINDS) await loop(model, stream, way, kind);
      for (const tools of [true, false]) await conversation(model, stream, way, tools);
    }
  }
  await errors(stream);
}
