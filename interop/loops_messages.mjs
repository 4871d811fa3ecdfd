// What the suites of Anthropic's Messages in Node share; loops_messages.py says the same in Python, and why.
import assert from "node:assert";

export const [CONVERSE, INVOKE, SIMULATOR] = process.argv.slice(2);
export const [ADAPTIVE, BUDGET, HIDING] = ["claude-opus-4-6", "claude-sonnet-4-5", "claude-opus-5"];
export const [NOVA, GPT_OSS, KIMI] = ["amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0", "moonshot.kimi-k2-thinking"];
export const CLAUDE = [BUDGET, ADAPTIVE, HIDING];
// Each model with the gateway whose road leads to it.
export const ROADS = [
  ...[...CLAUDE, NOVA, GPT_OSS, KIMI].map((model) => ["converse", CONVERSE, model]),
  ...CLAUDE.map((model) => ["invoke", INVOKE, model]),
];
export const RESULT = "18 C";
export const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
export const WEATHER = { name: "get_weather", description: "The weather in a city.", input_schema: SCHEMA };
export const TIME = { name: "get_time", description: "The time in a city.", input_schema: SCHEMA };
export const PLAIN = "What is the weather?";
export const STEPS = "What is the weather? Take two steps.";
export const TWO_CALLS = "[[fault:two-tools]] What is the weather?";
export const KINDS = [PLAIN, STEPS, TWO_CALLS];
// A model that is told of a form in words says what it is told.
export const FORM = 'Which city? [[say:{"city": "Paris"}]]';
let count = 0;

export function check(name, right, seen) {
  console.log(`${right ? "ok    " : "WRONG "}${name}`);
  if (!right) {
    console.error(`${name}: seen ${JSON.stringify(seen)}`);
    process.exit(1);
  }
}

// Runs cases at once, a few at a time; what was asked before them is forgotten.
export async function together(cases) {
  await simulator("/simulator/requests", { method: "DELETE" });
  const left = [...cases];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) await next();
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

// A question that no other request holds, and the mark by which it is known.
export function question(name, text = PLAIN) {
  count += 1;
  const mark = `(${name} ${process.pid} ${count})`;
  return [`${text} ${mark}`, mark];
}

// How Anthropic's own clients ask this model to think.
export function thinking(model) {
  if (model === BUDGET) return { type: "enabled", budget_tokens: 2000 };
  return model === HIDING ? { type: "adaptive", display: "summarized" } : { type: "adaptive" };
}

export async function simulator(path, init) {
  const answer = await fetch(SIMULATOR + path, init);
  return answer.json();
}

// What reached the model of the conversation with this mark, in order.
export async function requests(mark) {
  const log = await simulator("/simulator/requests");
  return log.filter((it) => !it.headers["x-again"] && JSON.stringify(it.body.messages?.[0] ?? "").includes(mark));
}

// The blocks that the simulator answers to a request: the same whenever it is asked.
export async function again(request) {
  const path = request.path.replace("-with-response", "").replace(/-stream$/, "");
  const headers = { authorization: "Bearer again", "x-again": "1" };
  const answer = await simulator(path, { method: "POST", headers, body: JSON.stringify(request.body) });
  return answer.content ?? answer.output.message.content;
}

export const isThought = (block) => "reasoningContent" in block || ["thinking", "redacted_thinking"].includes(block.type);

// The blocks of a turn without what the cache is told.
export const blocks = (turn) =>
  turn.content.filter((block) => !block.cachePoint).map(({ cache_control: _, ...block }) => block);

export function isThinking(body) {
  const own = body.additionalModelRequestFields ?? body;
  return Boolean(own.thinking || own.reasoningConfig || own.reasoning_effort);
}

export function same(one, other) {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

// The loop with this mark had its steps on its road, each with the thoughts of those before.
export async function assertLoop(name, mark, road, model, kind = PLAIN) {
  const steps = kind === STEPS ? 3 : 2;
  const seen = await requests(mark);
  check(`${name}: ${steps} requests`, seen.length === steps, seen.map((it) => it.body.messages));
  check(`${name}: takes its road`, seen.every((it) => it.path.includes(`/${road}`)), seen.map((it) => it.path));
  // Those that think by themselves need not be asked.
  check(`${name}: asked to think`, [GPT_OSS, KIMI].includes(model) || seen.every((it) => isThinking(it.body)), seen.map((it) => it.body));
  for (const [at, earlier] of seen.slice(0, -1).entries()) {
    let answer = await again(earlier);
    // A model with a budget thinks before its first call only.
    if (at === 0 || model !== BUDGET) check(`${name}: thought in step ${at + 1}`, isThought(answer[0]), answer);
    if ([NOVA, GPT_OSS].includes(model)) answer = answer.filter((block) => !isThought(block));
    for (const later of seen.slice(at + 1)) {
      const turn = blocks(later.body.messages[earlier.body.messages.length]);
      check(`${name}: its thought is before the model again`, same(turn, answer), { turn, answer });
    }
  }
}
