// What the official openai SDK for Node sees of the gateway. Usage: openai_node.mjs GATEWAY
import OpenAI from "openai";

const DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0";
const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "key-of-openai-node", maxRetries: 0, timeout: 30000 });
const said = (content) => [{ role: "user", content }];

function check(name, right, seen) {
  console.log(`${right ? "ok    " : "WRONG "}${name}`);
  if (!right) {
    console.error(`${name}: seen ${JSON.stringify(seen)}`);
    process.exit(1);
  }
}

const whole = await client.chat.completions.create({ model: DEMO, messages: said("Hello?") });
check("a whole answer", whole.choices[0].message.content.includes("Hello?"), whole);
check("with its reasoning", whole.choices[0].message.reasoning.length > 0, whole);

const order = [];
let text = "";
const stream = await client.chat.completions.create({ model: DEMO, messages: said("Hello?"), stream: true });
for await (const chunk of stream) {
  const delta = chunk.choices[0].delta;
  if (delta.reasoning) order.push("reasoning");
  if (delta.content) order.push("content");
  text += delta.content ?? "";
}
check("streamed: reasoning, then the answer", order[0] === "reasoning" && order.at(-1) === "content", order);
check("streamed: the same as whole", text === whole.choices[0].message.content, text);

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
const messages = said("What is the weather?");
const runner = client.chat.completions.stream({ model: DEMO, messages, tools });
const asked = await runner.finalMessage();
check("a tool call, put together by the SDK", asked.tool_calls[0].function.arguments === '{"city":"Paris"}', asked);
messages.push(asked, { role: "tool", tool_call_id: asked.tool_calls[0].id, content: "18 C" });
const told = await client.chat.completions.create({ model: DEMO, messages, tools });
check("and its result", told.choices[0].message.content.includes("18 C"), told);

async function refused(name, kind, test, body, caller = client) {
  try {
    for await (const _ of await caller.chat.completions.create({ model: DEMO, stream: true, ...body }));
  } catch (error) {
    check(name, error instanceof kind && test(error), String(error));
    return;
  }
  check(name, false, "no error");
}
await refused("429", OpenAI.RateLimitError, () => true, { messages: said("[[fault:throttling]]") });
await refused("400 names the field", OpenAI.BadRequestError, (e) => e.param === "messages", { messages: [] });
await refused("mid-stream", OpenAI.APIError, (e) => e.message.includes("demand"), {
  messages: said("[[fault:mid-stream-exception]]"),
});
await refused("unknown model", OpenAI.NotFoundError, (e) => e.code === "model_not_found", {
  model: "nobody",
  messages: said("Hi"),
});
const stranger = client.withOptions({ apiKey: "key-of-nobody-here" });
await refused("a wrong key", OpenAI.AuthenticationError, (e) => e.status === 401, { messages: said("Hi") }, stranger);
