// Tool loops through the official openai SDK for Node. Usage: openai_node_loops.mjs GATEWAY SIMULATOR
import OpenAI from "openai";
import { BASE, BUDGET, PARAMETERS, RESULT, THINKERS, assertBack, assertLoop, check, clear, question, tapped } from "./loops.mjs";

const client = new OpenAI({ baseURL: BASE, apiKey: "openai-node", maxRetries: 0, timeout: 30000, fetch: tapped });
const tools = [{ type: "function", function: { name: "get_weather", parameters: PARAMETERS } }];
const ALL = ["reasoning", "reasoning_content", "reasoning_details"];

const ways = {
  whole: async (body) => (await client.chat.completions.create(body)).choices[0].message,
  // The SDK's helper joins content and tool calls; of every other field it keeps what came last.
  helped: (body) => client.chat.completions.stream(body).finalMessage(),
};

async function loop(model, way, words, said) {
  const name = `openai for Node ${way}, ${model}, ${said}`;
  const [text, mark] = question("openai-node");
  const body = { model, tools, messages: [{ role: "user", content: text }], ...words };
  const asked = await ways[way](body);
  body.messages.push(asked);
  for (const call of asked.tool_calls) body.messages.push({ role: "tool", tool_call_id: call.id, content: RESULT });
  const told = await ways[way](body);
  check(`${name}: an answer`, told.content.includes(RESULT), told);
  const [answer] = await assertLoop(name, mark, way === "whole" ? asked.reasoning ?? "" : undefined);
  const turn = await assertBack(name, mark, ALL);
  const thought = answer[0].reasoningContent.reasoningText?.text;
  if (way === "helped" && thought) check(`${name}: a piece of the thought`, turn.reasoning.length < thought.length, turn);
}

await clear();
for (const way of Object.keys(ways)) {
  for (const model of THINKERS) {
    await loop(model, way, { reasoning_effort: "low" }, "reasoning_effort");
    await loop(model, way, { reasoning: { effort: "low" } }, "reasoning");
  }
  await loop(BUDGET, way, { reasoning_effort: "low", include_reasoning: true }, "include_reasoning");
}
