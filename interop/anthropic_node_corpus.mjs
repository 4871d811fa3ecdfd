// Does Anthropic's SDK for Node understand every recorded answer of Bedrock as it was recorded, on both of its surfaces, however it is cut?
//
// Usage: anthropic_node_corpus.mjs ANSWERS

import Anthropic from '@anthropic-ai/sdk';
import { ensure, fetch, report, same, sameBlocks, thrown, tokens } from './corpus.mjs';

const client = new Anthropic({ baseURL: 'http://gateway', apiKey: 'key', maxRetries: 0, fetch });
const asked = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi.' }] };
const surfaces = [client.messages, client.beta.messages];
const refusals = ['guardrail_intervened', 'content_filtered'];
const counts = {
  input_tokens: 'inputTokens',
  output_tokens: 'outputTokens',
  cache_read_input_tokens: 'cacheReadInputTokens',
  cache_creation_input_tokens: 'cacheWriteInputTokens',
};

// A block as a recording has it. What goes to a client by way of Converse says behind a signature whose it is.
function neutral(block) {
  const unmarked = (seal) => (seal ?? '').split('~')[0];
  switch (block.type) {
    case 'text':
      return { text: block.text };
    case 'thinking':
      return { thinking: block.thinking, signature: unmarked(block.signature) };
    case 'redacted_thinking':
      return { redacted: unmarked(block.data) };
    case 'tool_use':
      return { call: block.id, name: block.name, input: block.input };
    default:
      return { server: block.type };
  }
}

// The end of a recording in the words of Messages.
function ended(answer) {
  const { stop, blocks } = answer.said;
  if (answer.api === 'invoke' || ['max_tokens', 'model_context_window_exceeded'].includes(stop)) return stop;
  if (refusals.includes(stop)) return 'refusal';
  if (blocks.some((block) => 'call' in block)) return 'tool_use';
  return stop === 'tool_use' ? 'end_turn' : stop;
}

// The members of blocks that the gateway told, and not those that the SDK adds.
const told = (blocks) =>
  blocks.map((block) =>
    Object.fromEntries(Object.entries(block).filter(([name, value]) => value != null && !['parsed_output', 'parsed'].includes(name))),
  );

function compare(answer, message) {
  sameBlocks(answer, message.content.map(neutral));
  same(message.stop_reason, ended(answer), 'stop_reason');
  for (const [name, own] of Object.entries(counts)) same(message.usage[name] ?? 0, tokens(answer, own), name);
  if (!answer.whole) return;
  if (!answer.tag) same(told(message.content), told(answer.whole.content), 'content');
  for (const name of ['id', 'model', 'role', 'stop_reason', 'stop_sequence']) same(message[name], answer.whole[name], name);
}

async function helped(surface) {
  const stream = surface.stream(asked);
  let text = '';
  stream.on('text', (delta) => (text += delta));
  const message = await stream.finalMessage();
  same(text, message.content.filter((block) => block.type === 'text').map((block) => block.text).join(''), 'text');
  return message;
}

async function plain(surface) {
  const types = [];
  for await (const event of await surface.create({ ...asked, stream: true })) types.push(event.type);
  return types;
}

async function check(answer, way) {
  const both = !answer.streamed || ['whole', 'event by event'].includes(way);
  for (const surface of both ? surfaces : [surfaces[answer.case.length % 2]]) {
    if ('failure' in answer) {
      for (const ask of answer.streamed ? [helped, plain] : [(one) => one.create(asked)]) {
        const error = await thrown(() => ask(surface));
        ensure(error instanceof Anthropic.APIError && error.requestID === 'req_1', `it is ${error}`);
        ensure(error.message.includes(JSON.stringify(answer.failure).slice(1, -1)), `it says ${error.message}`);
        ensure(answer.streamed || error.status === answer.status, `it has status ${error.status}`);
      }
    } else if (answer.streamed) {
      compare(answer, await helped(surface));
      if (way === 'event by event') same((await plain(surface)).at(-1), 'message_stop', 'the last event');
    } else {
      compare(answer, await surface.create(asked));
    }
  }
}

await report('anthropic for Node', process.argv[2], 'messages', check);
process.exit(0);
