// AWS's SDK for JavaScript before the gateway's Bedrock API: over http it speaks HTTP/2 with prior knowledge.
// Usage: bedrock_api.mjs GATEWAY SIMULATOR
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { isDeepStrictEqual } from "node:util";

const [gateway, simulator] = process.argv.slice(2);
const DEMO = "anthropic.claude-3-5-sonnet-20241022-v2:0";
const SONNET_4 = "anthropic.claude-sonnet-4-20250514-v1:0";

function check(name, right, seen) {
  console.log((right ? "ok    " : "WRONG ") + name);
  if (!right) {
    console.error(name, JSON.stringify(seen));
    process.exit(1);
  }
}

const common = { region: "us-east-1", maxAttempts: 1 };
const before = new BedrockRuntimeClient({
  ...common,
  endpoint: gateway,
  token: { token: "key-of-bedrock-api" },
  authSchemePreference: ["httpBearerAuth"],
});
const behind = new BedrockRuntimeClient({
  ...common,
  endpoint: simulator,
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "for-the-simulator-only" },
});
const both = async (ask) => [await ask(before), await ask(behind)];
const asked = (text, more = {}) => ({ modelId: DEMO, messages: [{ role: "user", content: [{ text }] }], ...more });
const own = (text) => JSON.stringify({
  anthropic_version: "bedrock-2023-05-31", max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 1024 },
  messages: [{ role: "user", content: text }],
});
async function events(stream) {
  const all = [];
  for await (const event of stream) if (!event.metadata) all.push(event);
  return all;
}
const tools = { toolConfig: { tools: [{ toolSpec: { name: "get_weather", inputSchema: { json: {
  type: "object", properties: { city: { type: "string" } } } } } }] } };

for (const ask of [asked("Hello?"), asked("What is the weather?", tools)]) {
  const whole = await both(async (client) => (await client.send(new ConverseCommand(ask))).output);
  check("ConverseCommand", isDeepStrictEqual(...whole), whole);
  const streamed = await both(async (client) => events((await client.send(new ConverseStreamCommand(ask))).stream));
  check("ConverseStreamCommand", streamed[0].length > 3 && isDeepStrictEqual(...streamed), streamed);
}
const text = (bytes) => new TextDecoder().decode(bytes);
const invoked = await both(async (client) =>
  JSON.parse(text((await client.send(new InvokeModelCommand({ modelId: SONNET_4, body: own("Hello?") }))).body)).content);
check("InvokeModelCommand", isDeepStrictEqual(...invoked), invoked);
const chunks = await both(async (client) => {
  const command = new InvokeModelWithResponseStreamCommand({ modelId: SONNET_4, body: own("Hello?") });
  const all = [];
  for await (const { chunk } of (await client.send(command)).body) all.push(JSON.parse(text(chunk.bytes)).delta);
  return all;
});
check("InvokeModelWithResponseStreamCommand", chunks[0].length > 3 && isDeepStrictEqual(...chunks), chunks);
const counted = await both(async (client) => (await client.send(new CountTokensCommand({
  modelId: SONNET_4, input: { converse: { messages: asked("Hello?").messages } } }))).inputTokens);
check("CountTokensCommand", counted[0] > 0 && counted[0] === counted[1], counted);
for (const [fault, name] of [["validation", "ValidationException"], ["access-denied", "InternalServerException"]]) {
  try {
    await before.send(new ConverseCommand(asked(`[[fault:${fault}]]`)));
    check(fault, false);
  } catch (error) {
    check(`an error: ${fault}`, error.name === name || fault !== "validation" && error.$metadata.httpStatusCode === 502,
      { name: error.name, status: error.$metadata });
  }
}
try {
  await events((await before.send(new ConverseStreamCommand(asked("[[fault:mid-stream-exception]]")))).stream);
  check("an exception in a stream", false);
} catch (error) {
  check("an exception in a stream", error.name === "ModelStreamErrorException", error.name);
}
