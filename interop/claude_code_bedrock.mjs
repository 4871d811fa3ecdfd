// Claude Code in its Bedrock mode works through the gateway: each way to show who it is, profiles by id and by ARN, thoughts, a
// conversation that goes on, what goes wrong. Usage: claude_code_bedrock.mjs CONVERSE INVOKE SIMULATOR
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { check, fresh, leave, run } from "./loops_claude_code.mjs";

const [GATEWAY, , SIMULATOR] = process.argv.slice(2);
const KEY = "key-of-claude-code-itself";
const PROFILE = "us.anthropic.claude-opus-5";
const BUDGET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
// What a simulated profile of an application leads to stands in its name.
const ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/sim-anthropic.claude-opus-5";
const SIGNED = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "for-the-simulator-only" };
const HEADER = { ANTHROPIC_CUSTOM_HEADERS: `x-api-key: ${KEY}` };
// Who has neither a bearer token nor a signature that counts shows its key in a header of its own.
const WAYS = {
  "a bearer token": { AWS_BEARER_TOKEN_BEDROCK: KEY },
  "a signature": { ...SIGNED, ...HEADER },
  "no authentication": { CLAUDE_CODE_SKIP_BEDROCK_AUTH: "1", ...HEADER },
};

// A task in Bedrock mode.
const runAs = (home, model, said, env, more = []) =>
  run(home, model, said, {
    CLAUDE_CODE_USE_BEDROCK: "1",
    ANTHROPIC_BEDROCK_BASE_URL: GATEWAY,
    AWS_REGION: "us-east-1",
    AWS_EC2_METADATA_DISABLED: "true",
    ...env,
  }, more);

const simulator = async (method) => (await fetch(`${SIMULATOR}/simulator/requests`, { method })).json();

// The calls of a task with this file that offer tools, in order: it asks for titles and probes models beside them.
async function asked(name, model, file) {
  const offers = (it) => !it.headers["x-again"] && it.body.tools?.length > 0 && JSON.stringify(it.body.messages).includes(file);
  const all = (await simulator("GET")).filter(offers);
  const path = `/model/${model}/invoke-with-response-stream`;
  check(`${name}: by its model`, all.every((it) => decodeURIComponent(it.path) === path), all.map((it) => it.path));
  return all;
}

const blocks = (request) => request.body.messages.flatMap((message) => [message.content].flat());
const ofType = (request, ...types) => blocks(request).filter((block) => types.includes(block.type));
const order = (file) => `[[call:Bash {"command": "echo done > ${file}", "description": "Writes a file"}]]`;

// The blocks that the simulator answers to a request: the same whenever it is asked.
async function again(request) {
  const headers = { authorization: "Bearer again", "x-again": "1", "content-type": "application/json" };
  const path = request.path.replace("-with-response-stream", "");
  const answer = await fetch(SIMULATOR + path, { method: "POST", headers, body: JSON.stringify(request.body) });
  return (await answer.json()).content;
}

async function task(way, model) {
  const name = `bedrock mode, ${way}, ${model}`;
  const home = fresh();
  const file = `file-${basename(home)}.txt`;
  const one = await runAs(home, model, `Please write a file. ${order(file)}`, WAYS[way]);
  check(`${name}: a task with a tool`, one.code === 0 && existsSync(join(home, "work", file)), one);
  const [first, second, ...more] = await asked(name, model, file);
  check(`${name}: its result is before the model`, more.length === 0 && ofType(second, "tool_result").length === 1, second?.body.messages);
  const thoughts = (await again(first)).filter((block) => block.type === "thinking");
  const signatures = (request) => ofType(request, "thinking").map((block) => [block.thinking, block.signature].join("|"));
  const right = thoughts.length > 0 && thoughts.every((block) => signatures(second).includes([block.thinking, block.signature].join("|")));
  check(`${name}: the signed thought came back`, right, { thoughts, messages: second.body.messages });

  const on = await runAs(home, model, "Did it work? [[say:It worked.]]", WAYS[way], ["-c"]);
  check(`${name}: the conversation goes on`, on.code === 0 && on.said.includes("It worked."), on);
  const last = (await asked(name, model, file)).at(-1);
  check(`${name}: with what was before`, ofType(last, "tool_result").length === 1, last.body.messages);
  const kept = thoughts.every((block) => signatures(last).includes([block.thinking, block.signature].join("|")));
  check(`${name}: and its thought`, kept, last.body.messages);
}

async function fails(fault, words) {
  const failed = await runAs(fresh(), PROFILE, `[[fault:${fault}]] Hello?`, WAYS["a bearer token"]);
  check(`bedrock mode, ${fault} is told: ${failed.said.trim().replaceAll("\n", " ").slice(0, 160)}`, failed.code === 1 && words.test(failed.said), failed);
}

async function refused(who, env, words) {
  const failed = await runAs(fresh(), PROFILE, "Hello?", env);
  check(`bedrock mode, ${who}: ${failed.said.trim().replaceAll("\n", " ").slice(0, 160)}`, failed.code === 1 && words.test(failed.said), failed);
}

await simulator("DELETE");
await Promise.all([
  ...Object.keys(WAYS).map((way) => task(way, PROFILE)),
  ...[ARN, BUDGET].map((model) => task("a bearer token", model)),
]);

// What goes wrong at Bedrock, and the words of it that the user sees.
const FAULTS = { "validation": /400/, "access-denied": /don't have access|403/, "throttling": /429|limit|Too many/i, "internal": /500|error/i };
await Promise.all([
  ...Object.entries(FAULTS).map(([fault, words]) => fails(fault, words)),
  refused("a signature alone", SIGNED, /403|authentication/i),
  refused("a wrong key", { AWS_BEARER_TOKEN_BEDROCK: "nobodys-key" }, /403|authentication/i),
]);
leave();
