// Does OpenAI's SDK for Node understand every recorded answer of Bedrock as it was recorded, told in Responses, however it is cut?
//
// Usage: responses_node_corpus.mjs ANSWERS

import OpenAI from 'openai';
import { ensure, fetch, parsed, prompt, report, same, sameBlocks, thrown, tokens } from './corpus.mjs';

const client = new OpenAI({ baseURL: 'http://gateway', apiKey: 'key', maxRetries: 0, fetch });
const asked = { model: 'm', input: 'Hi.' };
const incomplete = {
  max_tokens: 'max_output_tokens',
  model_context_window_exceeded: 'max_output_tokens',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
};

// The members that the gateway told, and not those that the SDK adds; arguments however they are spaced.
function told(value, name) {
  if (name === 'arguments') return parsed(value);
  if (Array.isArray(value)) return value.map((one) => told(one));
  if (value === null || typeof value !== 'object') return value;
  const own = Object.entries(value).filter(([name]) => !['parsed', 'parsed_arguments', 'output_text', 'output_parsed'].includes(name));
  return Object.fromEntries(own.map(([name, inside]) => [name, told(inside, name)]));
}

// An item as a recording has it; what is sealed in a thought is not readable, but that it is sealed.
function neutral(item) {
  if (item.type === 'message') return { text: item.content.map((part) => part.text).join('') };
  if (item.type === 'function_call') return { call: item.call_id, name: item.name, input: parsed(item.arguments) };
  if (item.type !== 'reasoning') return { server: item.type };
  ensure(item.encrypted_content, `${JSON.stringify(item)} is not sealed`);
  return { thinking: [...(item.summary ?? []), ...(item.content ?? [])].map((part) => part.text).join(''), signature: 'sealed' };
}

// The blocks of a recording as items have them: text up to other content is one message.
function ofItems(blocks) {
  const items = [];
  for (const block of blocks) {
    if ('redacted' in block) items.push({ thinking: '', signature: 'sealed' });
    else if ('thinking' in block) {
      if (block.thinking || block.signature) items.push({ thinking: block.thinking, signature: 'sealed' });
    } else if ('text' in block && items.length > 0 && 'text' in items.at(-1)) items.at(-1).text += block.text;
    else items.push('text' in block ? { text: block.text } : block);
  }
  return items;
}

function compare(answer, response) {
  const items = response.output.map(neutral);
  const expected = ofItems(answer.said.blocks);
  // Thoughts that were written into the text are sealed too, each by itself.
  const unsealed = (blocks) => blocks.map(({ signature, ...block }) => block);
  if (answer.tag) sameBlocks(answer, unsealed(items), unsealed(expected));
  else sameBlocks(answer, items, expected);
  const reason = incomplete[answer.said.stop] ?? null;
  same(response.status, reason ? 'incomplete' : 'completed', 'status');
  same(response.incomplete_details?.reason ?? null, reason, 'reason');
  same(response.usage?.input_tokens ?? 0, prompt(answer), 'input_tokens');
  same(response.usage?.output_tokens ?? 0, tokens(answer, 'outputTokens'), 'output_tokens');
  if (answer.whole && !answer.tag) {
    const whole = { ...answer.whole, usage: response.usage ? answer.whole.usage : null };
    same(told(response), told(whole), 'the response');
  }
}

async function streamed(answer) {
  const stream = client.responses.stream(asked);
  const [seen, done] = [{ text: '', arguments: '' }, []];
  let [number, last] = [-1];
  stream.on('event', (event) => {
    number += 1;
    if (event.sequence_number !== number) last = { status: `event ${event.sequence_number} in place ${number}` };
    if (event.type === 'response.output_text.delta') seen.text += event.delta;
    if (event.type === 'response.function_call_arguments.delta') seen.arguments += event.delta;
    if (event.type === 'response.output_item.done') done.push(structuredClone(event.item));
    if (['response.completed', 'response.incomplete', 'response.failed'].includes(event.type)) last ??= event.response;
  });
  let final;
  try {
    final = await stream.finalResponse();
  } catch (error) {
    // The helper knows no other end.
    if (!('failure' in answer) && !incomplete[answer.said.stop]) throw error;
  }
  if ('failure' in answer) {
    ensure(last?.status === 'failed' && last.error.code && last.error.message.includes(answer.failure), `it ended with ${JSON.stringify(last)}`);
    return;
  }
  compare(answer, last);
  if (final) compare(answer, final);
  const of = (type) => last.output.filter((item) => item.type === type);
  same(seen.text, of('message').flatMap((item) => item.content.map((part) => part.text)).join(''), 'text');
  same(seen.arguments, of('function_call').map((item) => item.arguments).join(''), 'arguments');
  same(told(done), told(last.output.slice(0, done.length)), 'items that are done');
}

async function check(answer) {
  if (answer.streamed) return streamed(answer);
  if (!('failure' in answer)) return compare(answer, await client.responses.create(asked));
  const error = await thrown(() => client.responses.create(asked));
  ensure(error instanceof OpenAI.APIError && error.status === answer.status, `it is ${error}`);
  ensure(error.error.message.includes(answer.failure), `it says ${error.message}`);
}

await report('openai for Node, Responses', process.argv[2], 'responses', check);
process.exit(0);
