// What the suites of tool loops in Node share; loops.py says the same in Python, and why.
import assert from "node:assert";

const [GATEWAY, SIMULATOR] = process.argv.slice(2);
export const BUDGET = "anthropic.claude-sonnet-4-20250514-v1:0";
export const ADAPTIVE = "anthropic.claude-opus-4-6-v1";
export const HIDING = "anthropic.claude-opus-4-7";
export const REDACTED = "openai.gpt-5.6-sol";
export const THINKERS = [BUDGET, ADAPTIVE, HIDING, REDACTED];
export const RESULT = "18 C";
export const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
export const BASE = `${GATEWAY}/v1`;
export const PLAIN = "What is the weather?";
export const STEPS = "What is the weather? Take two steps.";
export const INTERLEAVED = "[[fault:interleaved]] What is the weather?";
export const KINDS = [PLAIN, STEPS, INTERLEAVED];
const FIELDS = ["reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"];
const bodies = [];
let count = 0;

export function check(name, right, seen) {
  console.log(`${right ? "ok    " : "WRONG "}${name}`);
  if (!right) {
    console.error(`${name}: seen ${JSON.stringify(seen)}`);
    process.exit(1);
  }
}

// A question that no other request holds, and the mark by which it is known.
export function question(name, text = PLAIN) {
  count += 1;
  const mark = `(${name} ${count})`;
  return [`${text} ${mark}`, mark];
}

// Goes to the gateway as fetch does, and keeps the client's own words.
export function tapped(url, init) {
  bodies.push(JSON.parse(init.body));
  return fetch(url, init);
}

export async function simulator(path, init) {
  const answer = await fetch(SIMULATOR + path, init);
  return answer.json();
}

export const clear = () => simulator("/simulator/requests", { method: "DELETE" });

// What reached the model of the conversation with this mark, in order.
export async function requests(mark) {
  const log = await simulator("/simulator/requests");
  return log.filter((it) => !it.headers["x-again"] && JSON.stringify(it.body.messages[0]).includes(mark));
}

// What the simulator answers to a request: the same whenever it is asked.
function answered(request) {
  const headers = { authorization: "Bearer again", "x-again": "1" };
  const init = { method: "POST", headers, body: JSON.stringify(request.body) };
  return simulator(request.path.replace(/-stream$/, ""), init);
}

// The blocks of that answer.
export const again = async (request) => (await answered(request)).output.message.content;

// What all calls of the conversation with this mark counted: what was read, and what was written.
export async function tokens(mark) {
  const answers = await Promise.all((await requests(mark)).map(answered));
  const sum = (count) => answers.reduce((all, { usage }) => all + usage[count], 0);
  return [sum("inputTokens"), sum("outputTokens")];
}

// What the client sent of a conversation through Responses, in its own words.
export const bodiesOf = (mark) => bodies.filter((it) => JSON.stringify(it.input).includes(mark));

export const reasoning = (blocks) => blocks.map((block) => block.reasoningContent).filter(Boolean);
export const shown = (blocks) => reasoning(blocks).map((it) => it.reasoningText?.text ?? "").join("");

export function isThinking({ additionalModelRequestFields: own = {} }) {
  return ["enabled", "adaptive"].includes(own.thinking?.type) || ![undefined, "none"].includes(own.reasoning?.effort);
}

export function same(one, other) {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

// A request in short: how it asks to think, and the kinds of blocks of its turns.
const outline = ({ body }) => [
  body.additionalModelRequestFields,
  body.messages.map((turn) => turn.content.map((block) => Object.keys(block)[0])),
];

// The loop with this mark had its steps, each with the reasoning of those before. `seen` is what the client showed of
// the first answer.
export async function assertLoop(name, mark, seen, kind = PLAIN) {
  const steps = kind === STEPS ? 3 : 2;
  const all = await requests(mark);
  check(`${name}: ${steps} requests`, all.length === steps, all.map(outline));
  const switches = all.map((it) => it.body.additionalModelRequestFields);
  check(`${name}: asked to think in every step`, all.every((it) => isThinking(it.body)), switches);
  check(`${name}: always in the same way`, switches.every((it) => same(it, switches[0])), switches);
  const answers = await Promise.all(all.slice(0, -1).map(again));
  for (const [step, answer] of answers.entries()) {
    // A model with a budget thinks before its first call only, unless a beta asks for more.
    const thinks = step === 0 || all[step].model !== BUDGET;
    if (thinks) check(`${name}: step ${step + 1} thought first`, answer[0].reasoningContent, answer);
    for (const later of all.slice(step + 1)) {
      const turn = later.body.messages[all[step].body.messages.length].content;
      check(`${name}: its thought is before the model again`, same(turn, answer), { turn, answer });
    }
  }
  if (seen !== undefined) check(`${name}: the client shows the thought`, seen === shown(answers[0]), { seen, answers });
  return answers;
}

// The fields in which the client sent reasoning back; of reasoning that nobody can read, no others.
export async function assertBack(name, mark, fields) {
  const body = bodies.findLast((it) => JSON.stringify(it.messages[0]).includes(mark));
  const turn = body.messages.find((message) => message.role === "assistant");
  const back = FIELDS.filter((field) => turn[field]?.length);
  const sealed = !shown(await again((await requests(mark))[0]));
  const right = sealed ? back.every((field) => fields.includes(field)) : same(back, fields);
  check(`${name}: sends back ${fields.join(", ") || "nothing"}`, right, turn);
  return turn;
}
