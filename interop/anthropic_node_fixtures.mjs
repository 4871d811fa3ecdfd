// Does Anthropic's SDK put the streams of the fixtures together to the whole answers beside them, on both of its surfaces?
//
// Usage: anthropic_node_fixtures.mjs FIXTURES

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import Anthropic from '@anthropic-ai/sdk';

const fixtures = path.join(process.argv[2], 'anthropic_messages');
let answer = Buffer.alloc(0);

const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_1' });
    // In pieces that split events and letters.
    for (let at = 0; at < answer.length; at += 61) response.write(answer.subarray(at, at + 61));
    response.end();
  });
});

// The members of blocks that Anthropic's API has, and not those that an SDK adds.
const told = (blocks) =>
  JSON.stringify(
    blocks.map((block) =>
      Object.fromEntries(
        Object.entries(block)
          .filter(([name, value]) => value != null && !['parsed_output', 'parsed'].includes(name))
          .sort(),
      ),
    ),
  );

function fail(message) {
  console.error(message);
  process.exit(1);
}

server.listen(0, '127.0.0.1', async () => {
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  const client = new Anthropic({ baseURL, apiKey: 'key', maxRetries: 0 });
  const asked = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi.' }] };
  let count = 0;
  for (const name of fs.readdirSync(fixtures).sort()) {
    const file = path.join(fixtures, name, '4-client-stream.txt');
    if (!fs.existsSync(file)) continue;
    answer = fs.readFileSync(file);
    for (const surface of [client.messages, client.beta.messages]) {
      let seen;
      try {
        seen = await surface.stream(asked).finalMessage();
      } catch (error) {
        if (!answer.toString().includes('event: error')) fail(`${file}: ${error.message}`);
        count += 1;
        continue;
      }
      const whole = path.join(fixtures, name, '4-client-answer.json');
      if (fs.existsSync(whole)) {
        const expected = JSON.parse(fs.readFileSync(whole));
        const same = ['input_tokens', 'output_tokens'].every((count) => seen.usage[count] === expected.usage[count]);
        if (!same || told(seen.content) !== told(expected.content) || seen.stop_reason !== expected.stop_reason) {
          fail(`${file}: ${JSON.stringify(seen)}`);
        }
      }
      count += 1;
    }
  }
  if (count === 0) fail('no fixtures found');
  console.log(`ok    ${count} streams are put together`);
  process.exit(0);
});
