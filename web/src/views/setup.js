// Setup: how clients are told where the gateway is. The lines that empty views show are here too.
import { clientUrl } from "../api.js";
import { html, useState } from "../lib.js";
import { Head, Snippet } from "../shell.js";

export const MODEL = "us.anthropic.claude-sonnet-4-6";

export const curlLine = base => `curl -N ${base ?? "http://127.0.0.1:1975"}/v1/chat/completions -H 'content-type: application/json' -d '{
  "model": "${MODEL}", "stream": true, "reasoning_effort": "low",
  "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'`;

const SNIPPETS = {
  curl: base => curlLine(base),
  "openai, Python": base => `from openai import OpenAI

client = OpenAI(base_url="${base}/v1", api_key="unused")
stream = client.chat.completions.create(
    model="${MODEL}",
    reasoning_effort="medium",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        delta = chunk.choices[0].delta
        print(getattr(delta, "reasoning", None) or delta.content or "", end="", flush=True)`,
  "openai, TypeScript": base => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}/v1", apiKey: "unused" });
const stream = await client.chat.completions.create({
  model: "${MODEL}",
  reasoning_effort: "medium",
  messages: [{ role: "user", content: "Why is the sky blue?" }],
  stream: true,
});
for await (const chunk of stream) {
  const delta = chunk.choices[0]?.delta as { reasoning?: string; content?: string } | undefined;
  process.stdout.write(delta?.reasoning ?? delta?.content ?? "");
}`,
  LangChain: base => `from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model="${MODEL}",
    base_url="${base}/v1",
    api_key="unused",
    reasoning_effort="medium",
)
for chunk in model.stream("Why is the sky blue?"):
    print(chunk.text, end="", flush=True)`,
  "Claude Code": base => `export ANTHROPIC_BASE_URL=${base}
export ANTHROPIC_AUTH_TOKEN=unused
claude`,
  anthropic: base => `from anthropic import Anthropic

client = Anthropic(base_url="${base}", api_key="unused")
with client.messages.stream(
    model="claude-sonnet-4-5",
    max_tokens=4096,
    thinking={"type": "enabled", "budget_tokens": 1024},
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)`,
  "AWS SDK": base => `import boto3

client = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url="${base}")
answer = client.converse_stream(
    modelId="${MODEL}",
    messages=[{"role": "user", "content": [{"text": "Why is the sky blue?"}]}],
    additionalModelRequestFields={"thinking": {"type": "enabled", "budget_tokens": 1024}},
)
for event in answer["stream"]:
    print(event)`,
};

export const Setup = () => {
  const [base, setBase] = useState(clientUrl.value ?? "http://127.0.0.1:1975");
  const [which, setWhich] = useState("curl");
  const names = Object.keys(SNIPPETS);
  const clean = base.replace(/\/+$/, "").replace(/['"\\\s]/g, "");
  return html`<${Head} title="Setup" sub="Point a client at the gateway; nothing else of it changes." />
    <section class="card"><label class="field">Base address of the gateway’s clients<input type="url" value=${base} onInput=${event => setBase(event.target.value)} spellcheck="false" /></label>
      <p class="faint">Any key is taken unless the gateway was given a list of keys; then replace <code>unused</code>.</p>
      <div class="tabs" role="group" aria-label="clients">${names.map(name => html`<button type="button" aria-pressed=${which === name} onClick=${() => setWhich(name)}>${name}</button>`)}</div>
      <${Snippet} text=${SNIPPETS[which](clean)} label=${which} />
    </section>
    <section class="card"><header class="card-head"><h2>No reasoning appears?</h2></header><p>Most models reason only when they are asked: <code>reasoning_effort</code>, <code>reasoning: {"effort": …}</code> or <code>thinking</code>. The header <code>x-aquifer-warning</code> says what was left out or changed; <a href="#/models">Models</a> shows which can, and <a href="#/exchanges">Exchanges</a> what became of each request.</p></section>`;
};
