// A request as code to copy.
import { quoted } from "./format.js";

const json = (value, indent) => JSON.stringify(value, null, 2).replaceAll("\n", `\n${indent}`);

/** JSON as Python writes it. */
const python = (value, indent) => {
  const inner = `${indent}    `;
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return value.length ? `[\n${value.map(item => `${inner}${python(item, inner)},\n`).join("")}${indent}]` : "[]";
  if (typeof value === "object") {
    const entries = Object.entries(value);
    return entries.length ? `{\n${entries.map(([key, item]) => `${inner}${JSON.stringify(key)}: ${python(item, inner)},\n`).join("")}${indent}}` : "{}";
  }
  return JSON.stringify(value);
};

// What OpenAI's clients have as arguments; the rest goes into the body beside them.
const KNOWN = new Set(["model", "messages", "stream", "stream_options", "reasoning_effort", "max_tokens", "max_completion_tokens", "temperature", "top_p", "tools", "tool_choice", "stop"]);

export const CODE = {
  curl: (base, body) => `curl -N ${base}/v1/chat/completions \\\n  -H 'content-type: application/json' \\\n  -d ${quoted(JSON.stringify(body, null, 2))}`,
  Python: (base, body) => {
    const entries = Object.entries(body);
    const known = entries.filter(([key]) => KNOWN.has(key));
    const extra = Object.fromEntries(entries.filter(([key]) => !KNOWN.has(key)));
    const lines = known.map(([key, value]) => `    ${key}=${python(value, "    ")},\n`);
    if (Object.keys(extra).length) lines.push(`    extra_body=${python(extra, "    ")},\n`);
    return `from openai import OpenAI

client = OpenAI(base_url="${base}/v1", api_key="unused")
stream = client.chat.completions.create(
${lines.join("")})
for chunk in stream:
    if chunk.choices:
        delta = chunk.choices[0].delta
        print(getattr(delta, "reasoning", None) or delta.content or "", end="", flush=True)`;
  },
  TypeScript: (base, body) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}/v1", apiKey: "unused" });
const stream = await client.chat.completions.create(${json(body, "")} as OpenAI.ChatCompletionCreateParamsStreaming);
for await (const chunk of stream) {
  const delta = chunk.choices[0]?.delta as { reasoning?: string; content?: string } | undefined;
  process.stdout.write(delta?.reasoning ?? delta?.content ?? "");
}`,
};
