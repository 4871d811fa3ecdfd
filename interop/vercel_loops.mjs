// Tool loops through Vercel's AI SDK, with its provider for compatible servers and OpenRouter's.
// Usage: vercel_loops.mjs GATEWAY SIMULATOR
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import {
  ADAPTIVE, BASE, BUDGET, PARAMETERS, RESULT, THINKERS,
  again, assertBack, assertLoop, check, clear, isThinking, question, requests, same, shown, tapped,
} from "./loops.mjs";

const settings = { baseURL: BASE, apiKey: "vercel", fetch: tapped };
const compatible = createOpenAICompatible({ name: "aquifer", ...settings });
const openrouter = createOpenRouter(settings);
const weather = tool({ description: "The weather in a city.", inputSchema: jsonSchema(PARAMETERS), execute: () => RESULT });
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

async function loop(way, model, stream) {
  const name = `vercel ${way}, ${model}, stream=${stream}`;
  const [text, mark] = question("vercel");
  const [languageModel, providerOptions, back] = ways[way](model);
  const ask = { model: languageModel, providerOptions, prompt: text, tools: { get_weather: weather }, maxRetries: 0 };
  const { steps, order } = await run(stream, { ...ask, stopWhen: stepCountIs(4) });
  check(`${name}: an answer`, steps.at(-1).text.includes(RESULT), steps.at(-1).text);
  const [answer] = await assertLoop(name, mark);
  // What nobody can read is shown by OpenRouter's provider as a word of its own.
  const seen = steps[0].reasoningText ?? "";
  if (shown([...answer])) check(`${name}: the client shows the thought`, seen === shown(answer), { seen, answer });
  if (stream && shown(answer)) {
    const kinds = order.filter((kind) => ["reasoning-delta", "text-delta", "tool-call"].includes(kind)).slice(0, 3);
    check(`${name}: thought, text, call`, same(kinds, ["reasoning-delta", "text-delta", "tool-call"]), order);
  }
  await assertBack(name, mark, back);
}

// Three questions without tools: the details come back, go back and stay with the turn that they belong to.
async function conversation(model, stream) {
  const name = `vercel conversation, ${model}, stream=${stream}`;
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
    check(`${name}: thought ${at + 1} is before the model again`, same(turn, answer), { turn, answer });
  }
}

await clear();
for (const stream of [false, true]) {
  for (const model of THINKERS) {
    for (const way of ["compatible", "openrouter's model"]) await loop(way, model, stream);
  }
  await loop("openrouter's options", ADAPTIVE, stream);
  await loop("include_reasoning", BUDGET, stream);
  for (const model of [BUDGET, ADAPTIVE]) await conversation(model, stream);
}
