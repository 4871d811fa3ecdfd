// Tool loops through the official openai SDK for Node. Usage: openai_node_loops.mjs GATEWAY SIMULATOR
import OpenAI from "openai";
import {
  BASE, BUDGET, KINDS, PARAMETERS, PLAIN, RESULT, THINKERS,
  assertBack, assertLoop, check, clear, question, shown, tapped,
} from "./loops.mjs";

const client = new OpenAI({ baseURL: BASE, apiKey: "key-of-openai-node-loops", maxRetries: 0, timeout: 30000, fetch: tapped });
const tools = [{ type: "function", function: { name: "get_weather", parameters: PARAMETERS } }];
const ALL = ["reasoning", "reasoning_content", "reasoning_details"];

const ways = {
  whole: async (body) => (await client.chat.completions.create(body)).choices[0].message,
  // The SDK's helper joins content and tool calls; of every other field it keeps what came last.
  helped: (body) => client.chat.completions.stream(body).finalMessage(),
};

async function loop(model, way, words, said, kind) {
  const name = `openai for Node ${way}, ${model}, ${said}, ${kind}`;
  const [text, mark] = question("openai-node", kind);
  const body = { model, tools, messages: [{ role: "user", content: text }], ...words };
  const answers = [];
  while (answers.length === 0 || answers.at(-1).tool_calls?.length) {
    answers.push(await ways[way](body));
    body.messages.push(answers.at(-1));
    for (const call of answers.at(-1).tool_calls ?? []) {
      body.messages.push({ role: "tool", tool_call_id: call.id, content: RESULT });
    }
  }
  check(`${name}: an answer`, answers.at(-1).content.includes(RESULT), answers);
  const [answer] = await assertLoop(name, mark, way === "whole" ? answers[0].reasoning ?? "" : undefined, kind);
  const turn = await assertBack(name, mark, ALL);
  const thought = shown(answer);
  const piece = () => turn.reasoning.length < thought.length;
  if (way === "helped" && thought) check(`${name}: a piece of the thought`, piece(), turn);
}

await clear();
for (const way of Object.keys(ways)) {
  for (const model of THINKERS) {
    for (const kind of KINDS) {
      await loop(model, way, { reasoning_effort: "low" }, "reasoning_effort", kind);
      await loop(model, way, { reasoning: { effort: "low" } }, "reasoning", kind);
    }
  }
  await loop(BUDGET, way, { reasoning_effort: "low", include_reasoning: true }, "include_reasoning", PLAIN);
}
