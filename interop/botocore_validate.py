"""Are Converse requests valid against botocore's own model? Those of the fixtures, and those that a simulator saw.

Usage: botocore_validate.py FIXTURES [SIMULATOR]
"""

import base64
import json
import pathlib
import sys
import urllib.request

import botocore.session
from botocore.validate import ParamValidator

model = botocore.session.get_session().get_service_model("bedrock-runtime")
shapes = {True: model.operation_model("ConverseStream").input_shape, False: model.operation_model("Converse").input_shape}


def unknown(value, shape, path):
    """Members that the model does not have; blobs are decoded on the way."""
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False) and isinstance(value, dict):
        for name in list(value):
            if name not in shape.members:
                yield f"{path}.{name}"
                continue
            yield from unknown(value[name], shape.members[name], f"{path}.{name}")
            if shape.members[name].type_name == "blob":
                value[name] = base64.b64decode(value[name], validate=True)
    elif shape.type_name == "list" and isinstance(value, list):
        for at, element in enumerate(value):
            yield from unknown(element, shape.member, f"{path}[{at}]")


def validate(name, body, stream):
    body = {"modelId": "some.model", **body}
    problems = list(unknown(body, shapes[stream], "body"))
    report = ParamValidator().validate(body, shapes[stream])
    if problems or report.has_errors():
        sys.exit(f"{name}: {problems} {report.generate_report()}")


count = 0
for file in sorted(pathlib.Path(sys.argv[1]).rglob("2-bedrock-request.json")):
    request = json.loads(file.read_text())
    if "/invoke" in request["path"]:
        # To botocore such a body is bytes.
        continue
    validate(file, request["body"], request["path"].endswith("-stream"))
    count += 1
for file in sorted(pathlib.Path(sys.argv[1]).glob("catalogue/*.json")):
    for ask, row in json.loads(file.read_text()).items():
        validate(f"{file}: {ask}", row["sent"], ask != "nothing, whole")
        count += 1
if count == 0:
    sys.exit("no fixtures found")
print(f"ok    {count} requests of fixtures are valid Converse requests")
if len(sys.argv) > 2:
    with urllib.request.urlopen(sys.argv[2] + "/simulator/requests", timeout=30) as answer:
        seen = json.load(answer)
    # To botocore the body of InvokeModel is bytes, and CountTokens has a shape of its own.
    seen = [request for request in seen if request["path"].endswith(("/converse", "/converse-stream"))]
    for at, request in enumerate(seen):
        validate(f"request {at} to {request['path']}", request["body"], request["path"].endswith("-stream"))
    print(f"ok    {len(seen)} requests that the simulator saw are valid Converse requests")
