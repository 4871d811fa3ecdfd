// Vercel's AI SDK with Anthropic's provider against the gateway, on both roads: loops of tools and thoughts, usage, answers in a form, errors.
// Usage: vercel_messages.mjs CONVERSE INVOKE SIMULATOR
import { createAnthropic } from "@ai-sdk/anthropic";
import { APICallError, Output, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import {
  CLAUDE, FORM, KINDS, NOVA, PLAIN, RESULT, ROADS, SCHEMA,
  assertLoop, check, question, same, thinking, together,
} from "./loops_messages.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const LONG = "Mind every word of this. ".repeat(800);
const inputSchema = jsonSchema(SCHEMA);
const execute = ({ city }) => (city === "Paris" ? RESULT : "unknown");
const tools = {
  get_weather: tool({ description: "The weather in a city.", inputSchema, execute }),
  get_time: tool({ description: "The time in a city.", inputSchema, execute }),
};
const provider = (url) => createAnthropic({ baseURL: `${url}/v1`, apiKey: "key-of-vercel-sdk" });
const words = ({ type, budget_tokens: budgetTokens, display }) => ({ type, budgetTokens, display });

// Runs to the end and gives what came of it; a stream also gives the kinds of its parts, in order.
async function run(stream, ask) {
  if (!stream) {
    const { steps, totalUsage } = await generateText(ask);
    return { steps, usage: totalUsage, order: [] };
  }
  let failed;
  const running = streamText({ ...ask, onError: ({ error }) => (failed = error) });
  const order = [];
  for await (const part of running.fullStream) if (part.type !== order.at(-1)) order.push(part.type);
  if (failed) throw failed;
  return { steps: await running.steps, usage: await running.totalUsage, order };
}

async function loop(road, url, model, stream, kind) {
  const name = `vercel's Anthropic provider, ${road}, ${model}, stream=${stream}, ${kind}`;
  const [prompt, mark] = question("vercel", kind);
  const providerOptions = { anthropic: { thinking: words(thinking(model)) } };
  const ask = { model: provider(url)(model), providerOptions, prompt, tools, maxRetries: 0, maxOutputTokens: 4000 };
  const { steps, usage, order } = await run(stream, { ...ask, stopWhen: stepCountIs(4) });
  check(`${name}: an answer`, steps.at(-1).text.includes(RESULT), steps.at(-1));
  check(`${name}: tells what it used`, usage.inputTokens > 0 && usage.outputTokens > 0, usage);
  const [thought] = steps[0].reasoning;
  const { signature, redactedData } = thought?.providerMetadata?.anthropic ?? {};
  check(`${name}: shows a thought`, model === NOVA ? redactedData : thought?.text, steps[0].content);
  check(`${name}: with its signature`, !CLAUDE.includes(model) || signature, thought);
  if (stream && kind === PLAIN && model !== NOVA) {
    const kinds = order.filter((part) => ["reasoning-delta", "text-delta", "tool-call"].includes(part)).slice(0, 3);
    check(`${name}: thought, text, call`, same(kinds, ["reasoning-delta", "text-delta", "tool-call"]), order);
  }
  await assertLoop(name, mark, road, model, kind);
}

async function form(road, url, model, stream) {
  const name = `vercel's Anthropic provider, ${road}, ${model}, stream=${stream}`;
  const [prompt] = question("vercel", FORM);
  const ask = { model: provider(url)(model), output: Output.object({ schema: inputSchema }), prompt, maxRetries: 0 };
  const { output } = stream ? streamText(ask) : await generateText(ask);
  check(`${name}: answers in a form`, typeof (await output).city === "string", await output);
}

async function caches(road, url, model, stream) {
  const name = `vercel's Anthropic provider, ${road}, ${model}, stream=${stream}`;
  const [prompt, mark] = question("vercel", "Hello?");
  const cached = { anthropic: { cacheControl: { type: "ephemeral" } } };
  const messages = [
    { role: "system", content: `${mark} ${LONG}`, providerOptions: cached },
    { role: "user", content: prompt },
  ];
  const ask = { model: provider(url)(model), messages, allowSystemInMessages: true, maxRetries: 0 };
  const first = (await run(stream, ask)).usage.inputTokenDetails;
  const second = (await run(stream, ask)).usage.inputTokenDetails;
  check(`${name}: what the cache took`, first.cacheWriteTokens > 1000, first);
  check(`${name}: what the cache had`, second.cacheReadTokens === first.cacheWriteTokens, [first, second]);
}

async function fails(road, url, model, stream) {
  const name = `vercel's Anthropic provider, ${road}, ${model}, stream=${stream}`;
  const ask = { model: provider(url)(model), prompt: "[[fault:validation]] Hello?", maxRetries: 0 };
  const error = await run(stream, ask).catch((raised) => raised);
  const right = APICallError.isInstance(error) && error.statusCode === 400 && error.message.includes("simulated");
  check(`${name}: an error is raised in Bedrock's words`, right, error);
}

function cases(road, url, model) {
  const here = [road, url, model];
  return [false, true].flatMap((stream) => [
    ...KINDS.map((kind) => () => loop(...here, stream, kind)),
    () => form(...here, stream),
    () => (CLAUDE.includes(model) ? caches(...here, stream) : undefined),
    () => fails(...here, stream),
  ]);
}

for (const way of ROADS) await together(cases(...way));
