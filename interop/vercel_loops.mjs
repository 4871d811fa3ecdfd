// Tool loops through Vercel's AI SDK, with its provider for compatible servers and OpenRouter's.
// Usage: vercel_loops.mjs GATEWAY SIMULATOR
import { createRequire } from "node:module";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import {
  ADAPTIVE, BASE, BUDGET, INTERLEAVED, KINDS, PARAMETERS, PLAIN, RESULT, THINKERS,
  again, assertBack, assertLoop, check, clear, isThinking, question, reasoning, requests, same, shown, tapped,
} from "./loops.mjs";

const VERSION = createRequire(import.meta.url)("ai/package.json").version.split(".")[0];
const settings = { baseURL: BASE, apiKey: "key-of-vercel-sdk", fetch: tapped };
const compatible = createOpenAICompatible({ name: "aquifer", ...settings });
const openrouter = createOpenRouter(settings);
const inputSchema = jsonSchema(PARAMETERS);
const weather = tool({ description: "The weather in a city.", inputSchema, execute: () => RESULT });
const EFFORT = { reasoning: { effort: "low" } };

// Each way to ask: the model, what goes with every call, and the fields that come back.
const ways = {
  compatible: (model) => [compatible(model), { aquifer: { reasoningEffort: "low" } }, ["reasoning_content"]],
  "openrouter's model": (model) => [openrouter(model, EFFORT), undefined, ["reasoning", "reasoning_details"]],
  "openrouter's options": (model) => [openrouter(model), { openrouter: EFFORT }, ["reasoning", "reasoning_details"]],
  include_reasoning: (model) => [
    openrouter(model, { includeReasoning: true, extraBody: { reasoning_effort: "low" } }),
    undefined,
    ["reasoning", "reasoning_details"],
  ],
};

// Runs to the end and gives the steps; a stream also gives the kinds of its parts, in order.
async function run(stream, ask) {
  if (!stream) return { steps: (await generateText(ask)).steps, order: [] };
  let failed;
  const running = streamText({ ...ask, onError: ({ error }) => (failed = error) });
  const order = [];
  for await (const part of running.fullStream) if (part.type !== order.at(-1)) order.push(part.type);
  if (failed) check("a stream without errors", false, String(failed));
  return { steps: await running.steps, order };
}

async function loop(way, model, stream, kind = PLAIN) {
  const name = `vercel ${VERSION} ${way}, ${model}, stream=${stream}, ${kind}`;
  const [text, mark] = question("vercel", kind);
  const [languageModel, providerOptions, back] = ways[way](model);
  const ask = { model: languageModel, providerOptions, prompt: text, tools: { get_weather: weather }, maxRetries: 0 };
  const { steps, order } = await run(stream, { ...ask, stopWhen: stepCountIs(4) });
  check(`${name}: an answer`, steps.at(-1).text.includes(RESULT), steps.at(-1).text);
  const [answer] = await assertLoop(name, mark, undefined, kind);
  const [seen, thought] = [steps[0].reasoningText ?? "", shown(answer)];
  // What nobody can read is shown by OpenRouter's provider as a word of its own; of two thoughts in one answer it
  // shows the first.
  const right = kind === INTERLEAVED ? seen !== "" && thought.startsWith(seen) : seen === thought;
  if (thought) check(`${name}: the client shows the thought`, right, { seen, answer });
  if (stream && thought && kind === PLAIN) {
    const kinds = order.filter((part) => ["reasoning-delta", "text-delta", "tool-call"].includes(part)).slice(0, 3);
    check(`${name}: thought, text, call`, same(kinds, ["reasoning-delta", "text-delta", "tool-call"]), order);
  }
  await assertBack(name, mark, back);
}

// Three questions without tools: the details come back, go back and stay with the turn that they belong to.
async function conversation(model, stream) {
  const name = `vercel ${VERSION} conversation, ${model}, stream=${stream}`;
  const [text, mark] = question("vercel", "Why is the sky blue?");
  const messages = [{ role: "user", content: text }];
  for (const next of ["And at night?", "And at noon?", undefined]) {
    const ask = { model: openrouter(model, EFFORT), messages, maxRetries: 0 };
    const { steps } = await run(stream, ask);
    messages.push(...steps.at(-1).response.messages);
    if (next) messages.push({ role: "user", content: next });
  }
  const all = await requests(mark);
  check(`${name}: asked to think each time`, all.length === 3 && all.every((it) => isThinking(it.body)), all);
  for (const [at, request] of all.slice(0, -1).entries()) {
    const answer = await again(request);
    const turn = all[2].body.messages[request.body.messages.length].content;
    // OpenRouter's provider of that time keeps a piece of a streamed thought and no seal; the piece goes to nobody.
    const kept = stream && VERSION === "5" ? reasoning(turn).length === 0 : same(turn, answer);
    check(`${name}: thought ${at + 1} is before the model again, or none`, kept, { turn, answer });
  }
}

await clear();
for (const stream of [false, true]) {
  for (const model of THINKERS) {
    for (const kind of KINDS) {
      for (const way of ["compatible", "openrouter's model"]) await loop(way, model, stream, kind);
    }
  }
  await loop("openrouter's options", ADAPTIVE, stream);
  await loop("include_reasoning", BUDGET, stream);
  for (const model of [BUDGET, ADAPTIVE]) await conversation(model, stream);
}
