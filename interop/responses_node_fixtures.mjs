// Does OpenAI's SDK for Node put the streams of Responses' fixtures together to the responses that they end with?
// Usage: responses_node_fixtures.mjs FIXTURES SIMULATOR
import { isDeepStrictEqual } from "node:util";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";

let data;
// In pieces that split events and letters.
const pieces = () =>
  new ReadableStream({
    start(controller) {
      for (let at = 0; at < data.length; at += 97) controller.enqueue(data.subarray(at, at + 97));
      controller.close();
    },
  });
const headers = { "content-type": "text/event-stream" };
const fetch = async () => new Response(pieces(), { headers });
const client = new OpenAI({ baseURL: "http://127.0.0.1", apiKey: "key", maxRetries: 0, fetch });
const fail = (file, seen) => {
  console.error(`${file}: ${JSON.stringify(seen)}`);
  process.exit(1);
};

// The members that are in the response, and not those that the SDK adds.
function told(value) {
  if (Array.isArray(value)) return value.map(told);
  if (value === null || typeof value !== "object") return value;
  const own = Object.entries(value).filter(([name]) => !["parsed", "parsed_arguments"].includes(name));
  return Object.fromEntries(own.map(([name, inside]) => [name, told(inside)]));
}

const folder = join(process.argv[2], "openai_responses");
let count = 0;
for (const name of readdirSync(folder).sort()) {
  const file = join(folder, name, "4-client-stream.txt");
  if (!existsSync(file)) continue;
  data = readFileSync(file);
  const lines = data.toString().split("\n").filter((line) => line.startsWith("data: "));
  const expected = JSON.parse(lines.at(-1).slice(6)).response;
  const stream = client.responses.stream({ model: "m", input: "Hi." });
  const done = [];
  stream.on("event", (event) => event.type === "response.output_item.done" && done.push(structuredClone(event.item)));
  let response;
  try {
    response = await stream.finalResponse();
  } catch (error) {
    if (expected.status === "completed") fail(file, String(error));
  }
  if (!isDeepStrictEqual(told(done), told(expected.output.slice(0, done.length)))) fail(file, done);
  if (response && expected.status === "completed") {
    if (!isDeepStrictEqual(told(response.output), told(expected.output))) fail(file, response.output);
    if (response.usage?.total_tokens !== expected.usage?.total_tokens) fail(file, response.usage);
  }
  count += 1;
}
if (count < 20) fail(folder, count);
console.log(`ok    ${count} streams are put together`);
