// Codex works through the gateway: shell, patches, pictures, schemas, a conversation that goes on, and every kind of error.
// Usage: codex.mjs GATEWAY SIMULATOR
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BASE, BUDGET, HIDING, REDACTED, again, check, clear, isThinking, question, reasoning, requests, same, shown, simulator,
} from "./loops.mjs";

const OPEN = "openai.gpt-oss-120b-1:0";
const NOVA = "amazon.nova-2-lite-v1:0";
// Names that Codex knows, behind which the suites' gateway has Claude: it gives them other tools.
const WITH_PATCHES = "gpt-5.5";
const WITH_CODE = "gpt-5.6-sol";
// What stands between a conversation's beginning and one with a long output in it, in tokens.
const LIMIT = 14_000;
const CODEX = fileURLToPath(new URL("node_modules/@openai/codex/bin/codex.js", import.meta.url));
const place = mkdtempSync(join(tmpdir(), "aquifer-codex-"));
const [home, work] = [join(place, "home"), join(place, "work")];
mkdirSync(join(home, ".codex"), { recursive: true });
mkdirSync(work);
writeFileSync(
  join(home, ".codex", "config.toml"),
  `model_provider = "aquifer"
approval_policy = "never"
sandbox_mode = "danger-full-access"
model_reasoning_effort = "medium"
model_reasoning_summary = "auto"
check_for_update_on_startup = false
[model_providers.aquifer]
name = "Aquifer"
base_url = "${BASE}"
env_key = "AQUIFER_KEY"
wire_api = "responses"
[analytics]
enabled = false
`,
);

// Runs a task to its end; gives its events.
function codex(model, task, { args = [], before = [], key = "key-of-codex-itself" } = {}) {
  const env = { PATH: process.env.PATH, HOME: home, CODEX_HOME: join(home, ".codex"), AQUIFER_KEY: key };
  const all = [CODEX, "exec", "--skip-git-repo-check", "--json", "-m", model, ...args, ...before, task];
  const running = spawn(process.execPath, all, { cwd: work, env, stdio: ["ignore", "pipe", "pipe"], timeout: 90_000 });
  let said = "";
  running.stdout.on("data", (piece) => (said += piece));
  return new Promise((resolve) => {
    running.on("close", () => {
      const events = said.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
      const items = events.filter((event) => event.type === "item.completed").map((event) => event.item);
      resolve({ events, items, failed: events.find((event) => event.type === "turn.failed")?.error.message });
    });
  });
}

const texts = (run, type) => run.items.filter((item) => item.type === type).map((item) => item.text);
const call = (name, input) => `[[call:${name} ${JSON.stringify(input)}]]`;
const isSealed = (block) => block.reasoningContent?.redactedContent || block.reasoningContent?.reasoningText?.signature;

// One command; what the model thought before it is before it again, seal and all.
async function shell(model, signed) {
  const name = `codex, ${model}, a command`;
  const [text, mark] = question("codex", `Say it. ${call("exec_command", { cmd: "echo AQUIFER-$((4700 + 11))" })}`);
  const run = await codex(model, text);
  const ran = run.items.find((item) => item.type === "command_execution");
  check(`${name}: it ran`, ran?.exit_code === 0 && ran.aggregated_output === "AQUIFER-4711\n", run.events);
  check(`${name}: an answer`, texts(run, "agent_message").at(-1).includes("AQUIFER-4711"), run.items);
  const [first, second, more] = await requests(mark);
  check(`${name}: two requests`, second && !more, run.events);
  const answer = await again(first);
  const turn = second.body.messages[first.body.messages.length].content;
  if (signed) {
    check(`${name}: asked to think`, isThinking(first.body) && isThinking(second.body), first.body);
    check(`${name}: it thought, and sealed it`, answer.some(isSealed), answer);
    check(`${name}: its thought is before the model again`, same(turn, answer), { turn, answer });
  }
  if (signed && shown(answer)) check(`${name}: the thought is shown`, texts(run, "reasoning")[0] === shown(answer), run.items);
  const calls = (blocks) => blocks.filter((block) => block.toolUse).map((block) => block.toolUse);
  check(`${name}: the call is before the model again`, same(calls(turn), calls(answer)), { turn, answer });
}

// Patches: by the custom tool of models that Codex knows, and by a command for others.
async function patches() {
  const patch = (file) => `*** Begin Patch\n*** Add File: ${file}\n+the "first" line\n+\tthe second \\ é\n*** End Patch`;
  const written = 'the "first" line\n\tthe second \\ é\n';
  const [text, mark] = question("codex", `Write it. ${call("apply_patch", { input: patch("custom.txt") })}`);
  const run = await codex(WITH_PATCHES, text);
  check("codex, apply_patch as a custom tool", existsSync(join(work, "custom.txt")), run.events);
  check("codex, apply_patch: as it was said", readFileSync(join(work, "custom.txt"), "utf8") === written);
  const [first, second] = await requests(mark);
  const turn = second.body.messages[first.body.messages.length].content;
  check("codex, apply_patch: the turn is before the model again", same(turn, await again(first)), turn);
  const command = `apply_patch <<'EOF'\n${patch("command.txt")}\nEOF`;
  const other = await codex(HIDING, `Write it. ${call("exec_command", { cmd: command })}`);
  const right = existsSync(join(work, "command.txt")) && readFileSync(join(work, "command.txt"), "utf8") === written;
  check("codex, apply_patch as a command", right, other.events);
}

// Tools in namespaces, of which one is custom; none of them is on top of the request.
async function code() {
  const [text, mark] = question("codex", `Count. ${call("functions__exec", { input: "text(4700 + 11)" })}`);
  const run = await codex(WITH_CODE, text);
  check("codex, a custom tool in a namespace", texts(run, "agent_message").at(-1).includes("4711"), run.events);
  check("codex, a custom tool in a namespace: two requests", (await requests(mark)).length === 2);
}

async function image() {
  const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  writeFileSync(join(work, "picture.png"), Buffer.from(picture, "base64"));
  const [text, mark] = question("codex", "What is it?");
  const run = await codex(HIDING, text, { args: ["-i", "picture.png", "--"] });
  const [request] = await requests(mark);
  const images = request.body.messages[0].content.filter((block) => block.image);
  check("codex, a picture", !run.failed && images.length === 1 && images[0].image.format === "png", run.events);
}

async function schema() {
  const wanted = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
  writeFileSync(join(work, "schema.json"), JSON.stringify(wanted));
  const run = await codex(HIDING, "Which city?", { args: ["--output-schema", "schema.json"] });
  const answer = texts(run, "agent_message").at(-1);
  check("codex, an answer that fits a schema", answer && typeof JSON.parse(answer).city === "string", run.events);
}

// A conversation that goes on in another process has its thoughts.
async function resume(model) {
  const [text, mark] = question("codex", "Why is the sky blue?");
  await codex(model, text);
  const run = await codex(model, "And at night?", { before: ["resume", "--last"] });
  check(`codex, ${model}, resume: an answer`, !run.failed && texts(run, "agent_message").length === 1, run.events);
  const [first, second] = await requests(mark);
  const turn = second.body.messages[first.body.messages.length].content;
  const answer = await again(first);
  check(`codex, ${model}, resume: the turn is before the model again`, same(turn, answer) && reasoning(turn).length, turn);
}

// A conversation that has become too long: Codex asks for a summary, by a request of its own without tools, and goes on with it.
async function compaction(model) {
  const name = `codex, ${model}, compaction`;
  const [text, mark] = question("codex", `Count. ${call("exec_command", { cmd: "seq 1 6000", max_output_tokens: 9000 })}`);
  const long = await codex(model, text);
  check(`${name}: a long conversation`, !long.failed && (await requests(mark)).length === 2, long.events);
  const sizes = (await requests(mark)).map((it) => JSON.stringify(it.body).length);
  const goes = `Go on. ${call("exec_command", { cmd: "echo AQUIFER-4711" })}`;
  const limited = ["-c", `model_auto_compact_token_limit=${LIMIT}`];
  const run = await codex(model, goes, { args: limited, before: ["resume", "--last"] });
  // Codex keeps the user's own words, and the simulator takes the command in them once more.
  const ran = run.items.some((item) => item.type === "command_execution" && item.aggregated_output === "AQUIFER-4711\n");
  check(`${name}: the task goes on`, !run.failed && ran, run.items);
  check(`${name}: an answer`, texts(run, "agent_message").at(-1).includes("AQUIFER-4711"), run.items);
  const later = (await requests(mark)).slice(2);
  const outlines = later.map((it) => [it.body.toolConfig?.tools.length ?? 0, it.body.messages.map((message) => message.content.map((block) => Object.keys(block)[0]))]);
  const [asked, ...then] = later;
  check(`${name}: a summary is asked for`, asked && /handoff summary|checkpoint/i.test(JSON.stringify(asked.body.messages.at(-1))), outlines);
  check(`${name}: and what is long is gone`, then.length >= 2 && JSON.stringify(then[0].body).length < sizes[1] - 8000, outlines);
}

// What it does with each kind of error: what it says, and how often it asks.
async function errors() {
  const failing = async (name, fault, said, times) => {
    const [text, mark] = question("codex", `Hi. [[fault:${fault}]]`);
    const run = await codex(HIDING, text);
    check(`codex, ${name}: it is told`, run.failed?.includes(said), run.events);
    const asked = (await requests(mark)).length;
    check(`codex, ${name}: it asks ${times} times`, asked === times, asked);
  };
  await failing("a validation", "validation", "simulated", 1);
  await failing("a validation in the stream", "mid-stream-exception:validationException", "on demand", 1);
  await failing("a full context", "context-window", "max_output_tokens", 1);
  await failing("a throttled stream", "mid-stream-exception:throttlingException", "try again in 2s", 6);
  await failing("a stream that breaks", "mid-stream-exception:internalServerException", "on demand", 6);
  const filtered = await codex(HIDING, "Hi. [[fault:content-filtered]]");
  const reason = filtered.events.find((event) => event.type === "error")?.message;
  check("codex, a filtered answer: it is told", reason?.includes("content_filter"), filtered.events);
  const unknown = await codex("nobody.knows-it", "Hi.");
  check("codex, an unknown model: it is told", unknown.failed?.includes("does not exist"), unknown.events);
  const stranger = await codex(HIDING, "Hi.", { key: "nobody's" });
  check("codex, a wrong key: it is told", stranger.failed?.includes("401"), stranger.events);
  // Where it helps to ask again, a task goes on: the second call is cut.
  await simulator("/simulator/faults", { method: "PUT", body: '{"cut": 2}' });
  const [text] = question("codex", `Go on. ${call("exec_command", { cmd: "echo AQUIFER-4711" })}`);
  const cut = await codex(HIDING, text);
  await simulator("/simulator/faults", { method: "PUT", body: "{}" });
  const commands = cut.items.filter((item) => item.type === "command_execution").length;
  const again = cut.events.filter((event) => event.message?.startsWith("Reconnecting"));
  check("codex, a connection that breaks: it goes on", !cut.failed && commands === 1 && again.length === 1, cut.events);
}

await clear();
for (const model of [BUDGET, HIDING, REDACTED]) await shell(model, true);
for (const model of [OPEN, NOVA]) await shell(model, false);
await patches();
await code();
await image();
await schema();
for (const model of [BUDGET, HIDING]) await resume(model);
for (const model of [HIDING, OPEN, REDACTED]) await compaction(model);
await errors();
rmSync(place, { recursive: true });
