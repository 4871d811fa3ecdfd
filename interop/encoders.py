"""What OpenAI's, Cohere's and LangChain's SDKs for Python see of embeddings and rankings, and boto3 of the simulator.

Usage: encoders.py GATEWAY SIMULATOR
"""

import base64
import json
import struct
import sys

import boto3
import cohere
import openai
from botocore.config import Config
from botocore.exceptions import ClientError
from cohere.core.api_error import ApiError
from langchain_openai import OpenAIEmbeddings

GATEWAY, SIMULATOR = sys.argv[1], sys.argv[2]
KEY = "key-of-the-encoders"
TITAN, TITAN_1, TITAN_IMAGE = "amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v1", "amazon.titan-embed-image-v1"
COHERE, COHERE_4 = "cohere.embed-multilingual-v3", "cohere.embed-v4:0"
NOVA = "amazon.nova-2-multimodal-embeddings-v1:0"
RERANK, AMAZON_RERANK = "cohere.rerank-v3-5:0", "amazon.rerank-v1:0"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DOCUMENTS = ["cheese", "Paris is the capital of France", "Berlin is in Germany"]
client = openai.OpenAI(base_url=GATEWAY + "/v1", api_key=KEY, max_retries=0, timeout=30)


def check(name, right, seen=None):
    print(("ok    " if right else "WRONG ") + name, flush=True)
    if not right:
        sys.exit(f"{name}: seen {seen!r}")


def near(one, other):
    return len(one) == len(other) and all(abs(a - b) < 1e-6 for a, b in zip(one, other))


def openai_embeddings():
    for model, length in [(TITAN, 1024), (TITAN_1, 1536), (COHERE, 1024), (COHERE_4, 1536), (NOVA, 3072)]:
        # The SDK asks for base64 of its own accord, and unpacks it.
        packed = client.embeddings.create(model=model, input=["a cat", "a dog", "a cat"])
        plain = client.embeddings.create(model=model, input="a cat", encoding_format="float")
        vectors = [item.embedding for item in packed.data]
        check(f"{model}: three vectors", [len(vector) for vector in vectors] == [length] * 3, packed.usage)
        check("in order", vectors[0] == vectors[2] != vectors[1] and [item.index for item in packed.data] == [0, 1, 2])
        check("the same as plain numbers", near(vectors[0], plain.data[0].embedding))
        check("of length one", abs(sum(number * number for number in vectors[0]) - 1) < 1e-3)
        check("with their tokens", packed.usage.prompt_tokens == packed.usage.total_tokens > 0, packed.usage)
        check("and the model", packed.model == model, packed.model)
    raw = client.embeddings.with_raw_response.create(model=TITAN, input="a", encoding_format="base64", user="u")
    warning = raw.headers.get("x-aquifer-warning", "")
    check("fields without effect are named", "user" in warning, warning)
    item = json.loads(raw.text)["data"][0]["embedding"]
    check("base64 is of 32-bit floats", len(struct.unpack("<1024f", base64.b64decode(item))) == 1024)
    short = client.embeddings.create(model=TITAN, input="a", dimensions=256)
    check("dimensions", len(short.data[0].embedding) == 256)
    many = client.embeddings.create(model=COHERE, input=[f"text {at}" for at in range(200)])
    alone = client.embeddings.create(model=COHERE, input="text 150")
    check("more texts than a call takes", near(many.data[150].embedding, alone.data[0].embedding))
    query = client.embeddings.create(model=COHERE, input="a", extra_body={"input_type": "search_query"})
    document = client.embeddings.create(model=COHERE, input="a")
    check("what it is for", not near(query.data[0].embedding, document.data[0].embedding))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PIXEL}}
    for model in [TITAN_IMAGE, COHERE, COHERE_4, NOVA]:
        both = client.embeddings.create(model=model, input=["a", image])
        check(f"{model}: an image", len(both.data) == 2)


def openai_errors():
    for name, arguments, error in [
        ("tokens", {"model": TITAN, "input": [1, 2, 3]}, openai.BadRequestError),
        ("a length that there is not", {"model": TITAN, "input": "a", "dimensions": 3}, openai.BadRequestError),
        ("a refusal of Bedrock's", {"model": TITAN, "input": "[[fault:access-denied]]"}, openai.APIStatusError),
        ("throttling", {"model": TITAN, "input": "[[fault:throttling]]"}, openai.RateLimitError),
        ("a model that chats", {"model": "amazon.nova-lite-v1:0", "input": "a"}, openai.BadRequestError),
        ("a model that nobody serves", {"model": "nobody", "input": "a"}, openai.NotFoundError),
    ]:
        try:
            client.embeddings.create(**arguments)
            check(name, False)
        except error as told:
            check(name, told.message)
    try:
        client.completions.create(model=TITAN, prompt="a")
        check("completions", False)
    except openai.NotFoundError as told:
        check("completions: where to go", "/v1/chat/completions" in told.message, told.message)


def langchain():
    embeddings = OpenAIEmbeddings(
        model=TITAN, base_url=GATEWAY + "/v1", api_key=KEY, check_embedding_ctx_length=False, max_retries=0)
    vectors = embeddings.embed_documents(["a cat", "a dog"])
    check("LangChain: documents", [len(vector) for vector in vectors] == [1024, 1024])
    check("LangChain: a query", near(embeddings.embed_query("a cat"), vectors[0]))


def cohere_rerank():
    for kind in [cohere.ClientV2, cohere.Client]:
        ranker = kind(api_key=KEY, base_url=GATEWAY)
        for model in [RERANK, AMAZON_RERANK]:
            ranked = ranker.rerank(model=model, query="capital of France", documents=DOCUMENTS, top_n=2)
            check(f"{kind.__name__}: {model}", [item.index for item in ranked.results][0] == 1, ranked)
            check("no more than wanted", len(ranked.results) == 2 and ranked.results[0].relevance_score > 0.5, ranked)
            check("what it cost", ranked.meta.billed_units.search_units == 1 and ranked.id, ranked.meta)
    ranker = cohere.Client(api_key=KEY, base_url=GATEWAY)
    shown = ranker.rerank(model=RERANK, query="Berlin", documents=DOCUMENTS, return_documents=True)
    check("with the documents", shown.results[0].document.text == DOCUMENTS[2], shown)
    try:
        ranker.rerank(model=TITAN, query="q", documents=DOCUMENTS)
        check("a model that does not rank", False)
    except ApiError as told:
        check("a model that does not rank", told.status_code == 400 and "error" in told.body, told)


def boto():
    bedrock = boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=SIMULATOR, aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="for-the-simulator-only", config=Config(retries={"max_attempts": 1}, read_timeout=30))

    def invoke(model, body):
        answer = bedrock.invoke_model(modelId=model, body=json.dumps(body))
        counted = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amzn-bedrock-input-token-count")
        return json.loads(answer["body"].read()), counted

    said, counted = invoke(TITAN, {"inputText": "a cat", "dimensions": 512, "normalize": True})
    check("boto3: Titan", len(said["embedding"]) == 512 and said["inputTextTokenCount"] == int(counted), said.keys())
    said, _ = invoke(TITAN_IMAGE, {"inputImage": PIXEL})
    check("boto3: Titan's images", len(said["embedding"]) == 1024)
    said, counted = invoke(COHERE, {"texts": ["a", "b"], "input_type": "search_document"})
    check("boto3: Cohere's third", len(said["embeddings"]) == 2 and int(counted) > 0, said.keys())
    said, _ = invoke(COHERE_4, {"texts": ["a"], "input_type": "search_query", "embedding_types": ["float"]})
    check("boto3: Cohere's fourth", len(said["embeddings"]["float"][0]) == 1536, said.keys())
    said, _ = invoke(NOVA, {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
        "embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 256,
        "text": {"truncationMode": "END", "value": "a"}}})
    check("boto3: Nova", len(said["embeddings"][0]["embedding"]) == 256, said.keys())
    said, _ = invoke(RERANK, {"api_version": 2, "query": "Berlin", "documents": DOCUMENTS})
    check("boto3: rerank", said["results"][0]["index"] == 2, said)
    try:
        invoke(COHERE, {"inputText": "a"})
        check("boto3: another model's body", False)
    except ClientError as error:
        check("boto3: another model's body", error.response["Error"]["Code"] == "ValidationException", error.response)


openai_embeddings()
openai_errors()
langchain()
cohere_rerank()
boto()
