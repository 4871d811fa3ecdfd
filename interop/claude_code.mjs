// Claude Code works through the gateway: tools and thoughts, calls at once, a conversation that goes on, auto mode, every kind of error.
// Usage: claude_code.mjs CONVERSE INVOKE SIMULATOR
import { existsSync } from "node:fs";
import { join } from "node:path";
import { check, fresh, leave, run } from "./loops_claude_code.mjs";

const [CONVERSE, INVOKE, SIMULATOR] = process.argv.slice(2);
const [NOVA, OPEN] = ["amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0"];
const ROADS = [
  ["converse", CONVERSE, "claude-opus-5"],
  ["converse", CONVERSE, NOVA],
  ["converse", CONVERSE, OPEN],
  ["invoke", INVOKE, "claude-opus-5"],
  ["invoke", INVOKE, "claude-sonnet-4-5"],
];

// A task at a gateway, by its client's own key.
const runAt = (home, url, model, said, { more = [], env = {} } = {}) =>
  run(home, model, said, { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: "key-of-claude-code-itself", ...env }, more);

async function simulator(method) {
  const answer = await fetch(`${SIMULATOR}/simulator/requests`, { method });
  return answer.json();
}

// The requests of a task that offer tools, in order: Claude Code asks for titles beside them.
async function asked(road) {
  const all = (await simulator("GET")).filter((it) => it.path.startsWith("/model/") && !it.path.includes("count-tokens"));
  check(`every request takes the road ${road}`, all.every((it) => it.path.includes(`/${road}`)), all.map((it) => it.path));
  return all.filter((it) => (it.body.tools ?? it.body.toolConfig?.tools ?? []).length > 0);
}

const blocks = (request) => request.body.messages.flatMap((message) => [message.content].flat().map((block) => ({ role: message.role, block })));
const isThought = ({ block }) => block?.type === "thinking" || block?.type === "redacted_thinking" || block?.reasoningContent !== undefined;
const results = (request) => blocks(request).filter(({ block }) => block?.type === "tool_result" || block?.toolResult !== undefined);
const order = (file) => `[[call:Bash {"command": "echo done > ${file}", "description": "Writes a file"}]]`;

for (const [road, url, model] of ROADS) {
  const name = `${road}, ${model}`;
  await simulator("DELETE");
  const home = fresh();
  const task = await runAt(home, url, model, `Please write a file. ${order("one.txt")}`);
  check(`${name}: a task with a tool`, task.code === 0 && existsSync(join(home, "work", "one.txt")), task);
  const steps = await asked(road);
  check(`${name}: its result is before the model`, steps.length === 2 && results(steps[1]).length === 1, steps.map((it) => it.body.messages));
  const isClaude = model.startsWith("claude");
  if (isClaude) {
    const signed = blocks(steps[1]).filter(isThought);
    check(`${name}: the signed thought came back`, signed.length > 0, steps[1].body.messages);
  }

  await simulator("DELETE");
  const both = await runAt(home, url, model, `Two files, please. ${order("two.txt")} ${order("three.txt")}`);
  const written = ["two.txt", "three.txt"].every((file) => existsSync(join(home, "work", file)));
  check(`${name}: two calls at once`, both.code === 0 && written, both);
  check(`${name}: both results at once`, results((await asked(road)).at(-1)).length === 2, null);

  await simulator("DELETE");
  const on = await runAt(home, url, model, "Did it work? [[say:It worked.]]", { more: ["-c"] });
  check(`${name}: the conversation goes on`, on.code === 0 && on.said.includes("It worked."), on);
  check(`${name}: with what was before`, results((await asked(road)).at(-1)).length === 2, null);
}

// Auto mode: the client has tools judged by the server, or by requests of its own.
for (const [road, url] of [["converse", CONVERSE], ["invoke", INVOKE]]) {
  for (const server of ["0", "1"]) {
    const home = fresh();
    const more = ["--permission-mode", "auto"];
    const auto = await runAt(home, url, "claude-opus-5", `A file, please. ${order("auto.txt")}`, { more, env: { CLAUDE_CODE_AUTO_MODE_SERVER: server } });
    check(`${road}: auto mode, judged by the ${server === "1" ? "server" : "client"}`, auto.code === 0 && existsSync(join(home, "work", "auto.txt")), auto);
  }
}

// What goes wrong at Bedrock, and the words of it that the user sees.
const FAULTS = {
  "validation": /400/,
  "access-denied": /don't have access|502/,
  "not-found": /model/i,
  "throttling": /429|limit|Too many/i,
  "internal": /500|error/i,
  "unavailable": /529|overloaded|unable/i,
  "model-timeout": /504|timed? ?out|too long/i,
  "mid-stream-exception:throttlingException": /error|limit|Too many/i,
};
for (const [road, url] of [["converse", CONVERSE], ["invoke", INVOKE]]) {
  for (const [fault, words] of Object.entries(FAULTS)) {
    const failed = await runAt(fresh(), url, "claude-opus-5", `[[fault:${fault}]] Hello?`);
    check(`${road}: ${fault} is told: ${failed.said.trim().replaceAll("\n", " ").slice(0, 160)}`, failed.code === 1 && words.test(failed.said), failed);
  }
}
const nobody = await runAt(fresh(), INVOKE, "claude-opus-5", "Hello?", { env: { ANTHROPIC_AUTH_TOKEN: "nobodys-key" } });
check(`a wrong key is told: ${nobody.said.trim().slice(0, 160)}`, nobody.code === 1 && /401|key|auth/i.test(nobody.said), nobody);
leave();
console.log("Claude Code works");
