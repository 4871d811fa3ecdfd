// What the official openai SDK for Node sees of embeddings. Usage: encoders.mjs GATEWAY
import OpenAI from "openai";

const TITAN = "amazon.titan-embed-text-v2:0";
const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "key-of-the-encoders", maxRetries: 0, timeout: 30000 });

function check(name, right, seen) {
  console.log(`${right ? "ok    " : "WRONG "}${name}`);
  if (!right) {
    console.error(`${name}: seen ${JSON.stringify(seen)}`);
    process.exit(1);
  }
}

const near = (one, other) => one.length === other.length && one.every((number, at) => Math.abs(number - other[at]) < 1e-6);

for (const model of [TITAN, "cohere.embed-multilingual-v3", "cohere.embed-v4:0", "amazon.nova-2-multimodal-embeddings-v1:0"]) {
  // The SDK asks for base64 of its own accord, and unpacks it.
  const packed = await client.embeddings.create({ model, input: ["a cat", "a dog", "a cat"] });
  const plain = await client.embeddings.create({ model, input: "a cat", encoding_format: "float" });
  const vectors = packed.data.map((item) => Array.from(item.embedding));
  check(`${model}: three vectors in order`, near(vectors[0], vectors[2]) && !near(vectors[0], vectors[1]), packed.usage);
  check("the same as plain numbers", near(vectors[0], plain.data[0].embedding));
  check("with their tokens", packed.usage.prompt_tokens > 0, packed.usage);
}
const short = await client.embeddings.create({ model: TITAN, input: "a", dimensions: 256 });
check("dimensions", short.data[0].embedding.length === 256);
try {
  await client.embeddings.create({ model: TITAN, input: [1, 2, 3] });
  check("tokens", false);
} catch (error) {
  check("tokens", error.status === 400 && error.param === "input", error);
}
