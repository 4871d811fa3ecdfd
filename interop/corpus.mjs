// What the suites over recorded answers share for Node: the answers, the cuts of their bytes, a `fetch` that gives them to an
// SDK. The answers are lines that `corpus_answers` (an example of aquifer-translate) wrote: what a client is sent, and what the
// recording says as a reader without the gateway understands it.

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

// The most cuts at every byte of some streams together, and the longest stream that comes byte by byte.
const CUT_EVERYWHERE = 6000;
const LONGEST = 4000;

// The answers for the clients of a dialect; of the streams, the shortest of each kind are cut at every byte.
function load(path, dialect) {
  const answers = readFileSync(path, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  const ours = answers.filter((answer) => answer.dialect === dialect);
  const kinds = new Set();
  let left = CUT_EVERYWHERE;
  for (const answer of ours.filter((one) => one.streamed).sort((one, other) => one.body.length - other.body.length)) {
    const kind = [...new Set((answer.said?.blocks ?? []).flatMap(Object.keys))].sort().join();
    if (kinds.has(kind)) continue;
    kinds.add(kind);
    left -= answer.body.length;
    answer.everywhere = left > 0;
  }
  return ours;
}

// A generator that gives the same numbers every time (mulberry32).
function chance(seed) {
  let state = [...seed].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 7);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const cut = (body, places) => [0, ...places].map((at, turn) => body.subarray(at, [...places, body.length][turn]));

// The ways in which the bytes of an answer come.
function* cuts(answer) {
  const body = Buffer.from(answer.body);
  yield ['whole', [body]];
  if (!answer.streamed) return;
  const ends = [];
  for (let at = body.indexOf('\n\n'); at >= 0; at = body.indexOf('\n\n', at + 2)) ends.push(at + 2);
  yield ['event by event', cut(body, ends.slice(0, -1))];
  if (body.length < LONGEST) yield ['byte by byte', cut(body, Array.from({ length: body.length - 1 }, (_, at) => at + 1))];
  const random = chance(answer.case);
  const places = new Set(Array.from({ length: 1 + random(40) }, () => 1 + random(body.length - 1)));
  yield ['at random', cut(body, [...places].sort((one, other) => one - other))];
  if (answer.everywhere) for (let at = 1; at < body.length; at += 1) yield [`at ${at}`, cut(body, [at])];
}

let sent;
// Whatever is asked, the answer is this one, in these pieces.
export const fetch = async () => {
  const { answer, pieces } = sent;
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (at < pieces.length) controller.enqueue(pieces[at++]);
      else controller.close();
    },
  });
  const type = answer.streamed ? 'text/event-stream; charset=utf-8' : 'application/json';
  return new Response(body, { status: answer.status, headers: { 'content-type': type, 'request-id': 'req_1', 'x-request-id': 'req_1' } });
};

export function same(seen, expected, what) {
  if (!isDeepStrictEqual(seen, expected)) throw new Error(`${what}: ${JSON.stringify(seen)} is not ${JSON.stringify(expected)}`);
}

export function ensure(holds, what) {
  if (!holds) throw new Error(what);
}

// The arguments of a call, also where the model was cut off inside them.
export function parsed(text) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return text;
  }
}

// Blocks without those in which nothing is said, and without what a server's tool did.
const joined = (blocks) =>
  blocks
    .filter((block) => block.text !== '' && (block.thinking !== '' || block.signature) && !('server' in block))
    .map(({ citations, ...block }) => block);

// The words of blocks, whether thoughts or text, and their other members.
function loose(blocks, tag) {
  const words = blocks.map((block) => (block.thinking ?? '') + (block.text ?? '')).join('');
  const plain = words.replaceAll(`<${tag}>`, '').replaceAll(`</${tag}>`, '').replaceAll(/\s/g, '');
  const others = joined(blocks).filter((block) => !('text' in block) && !('thinking' in block));
  return [plain, blocks.map((block) => block.signature).filter(Boolean), others];
}

// Complains unless these blocks are those of the recording. Where thoughts were written into its text, they stand apart now.
export function sameBlocks(answer, blocks, expected = answer.said.blocks) {
  if (answer.tag) same(loose(blocks, answer.tag), loose(expected, answer.tag), 'blocks');
  else same(joined(blocks), joined(expected), 'blocks');
}

export const tokens = (answer, name) => answer.said.usage?.[name] ?? 0;
export const prompt = (answer) =>
  ['inputTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens'].reduce((sum, name) => sum + tokens(answer, name), 0);

// Lets `check(answer, way)` try every answer in every way, and says what was tried.
export async function report(client, path, dialect, check) {
  const begun = Date.now();
  const [answers, faults, tried] = [load(path, dialect), [], { streams: 0, wholes: 0, ways: 0 }];
  for (const answer of answers) {
    for (const [way, pieces] of cuts(answer)) {
      sent = { answer, pieces };
      try {
        await check(answer, way);
      } catch (error) {
        faults.push(`${answer.case} (${answer.api}, ${answer.streamed ? 'streamed' : 'whole'}, ${way}): ${error.message}`);
        break;
      }
      tried.ways += answer.streamed ? 1 : 0;
    }
    tried[answer.streamed ? 'streams' : 'wholes'] += 1;
  }
  faults.slice(0, 20).forEach((fault) => console.error(fault));
  if (faults.length > 0 || tried.streams < 500 || tried.wholes < 500) {
    console.error(`${client}: ${faults.length} of ${answers.length} answers are understood otherwise`);
    process.exit(1);
  }
  const seconds = Math.round((Date.now() - begun) / 1000);
  console.log(`ok    ${client}: ${tried.streams} streams in ${tried.ways} cuts, ${tried.wholes} whole answers and errors, ${seconds} s`);
}

// What an SDK throws; an error where it throws nothing.
export async function thrown(ask) {
  let answer;
  try {
    answer = await ask();
  } catch (error) {
    return error;
  }
  throw new Error(`the failure was not told: ${JSON.stringify(answer)}`);
}
