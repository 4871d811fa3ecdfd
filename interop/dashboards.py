"""A real Prometheus beside the binary: the rules are checked and tested, the binary is scraped, every expression of the
dashboard is asked for, and an alert fires on a real fault. Usage: dashboards.py PROGRAMS BINARY DEPLOY; PROGRAMS is the folder of promtool and prometheus."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

PROGRAMS, BINARY, DEPLOY = sys.argv[1:4]
RULES = os.path.join(DEPLOY, "prometheus")
MODEL = "us.anthropic.claude-sonnet-4-6"
BROKEN = "us.anthropic.claude-opus-4-6-v1"
# Series that a short visit does not make: nothing was missed, estimated or hedged, and no credentials expire.
EMPTY = re.compile("expiry_timestamp|estimated_usd|cached_input|authentication|_dropped_|> 0")
running = []


def ok(what):
    print(f"ok    {what}", flush=True)


def check(what, so, told=""):
    if not so:
        sys.exit(f"WRONG {what}: {told}")
    ok(what)


def start(arguments, announcements=(), **more):
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **more)
    running.append(process)
    found = []
    for announcement in announcements:
        for line in process.stdout:
            if line.startswith(announcement):
                found.append(line[len(announcement):].strip())
                break
        else:
            sys.exit(f"{arguments[:2]} ended before it listened")
    return found


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, so, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = so()
        if found:
            return found
        time.sleep(0.2)
    sys.exit(f"WRONG waited too long for {what}")


def tool(*arguments):
    ran = subprocess.run([os.path.join(PROGRAMS, "promtool"), *arguments], capture_output=True, text=True, cwd=RULES)
    check("promtool " + " ".join(arguments), ran.returncode == 0, ran.stdout + ran.stderr)


def ask(gateway, model, **more):
    body = {"model": model, "messages": [{"role": "user", "content": "Hello?"}], **more}
    request = urllib.request.Request(f"http://{gateway}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def expressions(value):
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "expr":
                yield member
            else:
                yield from expressions(member)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)


def variables(expression):
    """The expression as Grafana asks it: ranges are chosen, and every variable is `All`."""
    for name, text in (("$__rate_interval", "1m"), ("$interval", "1m"), ("$job", ".+")):
        expression = expression.replace(name, text)
    return re.sub(r"\$\w+", ".*", expression)


def main(folder):
    tool("check", "rules", "rules.yml")
    tool("test", "rules", "rules_test.yml")
    tool("check", "config", "prometheus.yml")
    alerts = re.findall(r"- alert: (\w+)", open(os.path.join(RULES, "rules.yml")).read())
    tested = open(os.path.join(RULES, "rules_test.yml")).read()
    for alert in alerts:
        if f"name: {alert} fires" not in tested or f"name: {alert} does not" not in tested:
            sys.exit(f"WRONG {alert} is not tested both ways")
    ok(f"{len(alerts)} alerts are tested both ways")

    [simulator] = start([BINARY, "simulator", "--listen", "127.0.0.1:0", "--prompt-cache"], ["aquifer simulator listening on "])
    if not simulator.startswith("http"):
        simulator = f"http://{simulator}"
    config = os.path.join(folder, "gateway.yaml")
    with open(config, "w") as file:
        for name, model, endpoint in (("well", MODEL, simulator), ("broken", BROKEN, f"http://127.0.0.1:{free_port()}")):
            file.write(
                "---\napiVersion: aigateway.envoyproxy.io/v1alpha1\nkind: AIServiceBackend\n"
                f"metadata: {{name: {name}}}\n"
                f"spec: {{provider: awsbedrock, config: {{model: '{model}', region: us-east-1, endpoint: '{endpoint}'}}}}\n"
            )
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "for-the-simulator-only"}
    arguments = [BINARY, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config", config]
    with open(os.path.join(folder, "gateway.log"), "w") as log:
        gateway, admin = start(arguments, ["aquifer listening on ", "aquifer admin on "], env=environment, stderr=log)
    gateway, admin = gateway.removeprefix("http://"), admin.removeprefix("http://")

    # The rules as they are shipped, but for how long an alert waits.
    copy = os.path.join(folder, "rules.yml")
    with open(os.path.join(RULES, "rules.yml")) as rules, open(copy, "w") as file:
        file.write(re.sub(r"for: \d+m", "for: 1s", rules.read()))
    with open(os.path.join(RULES, "prometheus.yml")) as shipped:
        text = shipped.read().replace("127.0.0.1:1064", admin).replace("15s", "1s")
    with open(os.path.join(folder, "prometheus.yml"), "w") as file:
        file.write(text)
    port = free_port()
    with open(os.path.join(folder, "prometheus.log"), "w") as log:
        start(
            [os.path.join(PROGRAMS, "prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
            stderr=log,
        )

    def prometheus(path, **query):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            sys.exit(f"WRONG {query}: {refused.read().decode()}")
        except (urllib.error.URLError, ConnectionError):
            return None

    def firing():
        told = prometheus("/api/v1/alerts") or {"alerts": []}
        return {alert["labels"]["alertname"] for alert in told["alerts"] if alert["state"] == "firing"}

    def value(query):
        found = prometheus("/api/v1/query", query=query)
        return float(found["result"][0]["value"][1]) if found and found["result"] else None

    until("the first scrape", lambda: value('up{job="aquifer"}') == 1)
    for _ in range(3):
        for more in ({}, {"stream": True, "reasoning_effort": "low"}):
            check("an answer", ask(gateway, MODEL, **more) == 200)
    until("the answers in Prometheus", lambda: value('sum(aquifer_requests_total{outcome="answered"})') == 6)
    time.sleep(2)
    for more in ({}, {"stream": True, "reasoning_effort": "low", "temperature": 0.5}):
        ask(gateway, MODEL, **more)
    until("rates", lambda: (value("sum(rate(gen_ai_client_token_usage_sum[1m]))") or 0) > 0)
    with open(os.path.join(DEPLOY, "grafana/aquifer.json")) as file:
        asked = [variables(expression) for expression in expressions(json.load(file))]
    empty = [query for query in asked if not prometheus("/api/v1/query", query=query)["result"] and not EMPTY.search(query)]
    check(f"{len(asked)} expressions of the dashboard have values", not empty, "\n".join(empty))
    check("nothing fires while all is well", not firing(), firing())

    with ThreadPoolExecutor(20) as clients:
        refused = list(clients.map(lambda _: ask(gateway, BROKEN), range(60)))
    check("faults", min(refused) >= 500, refused)
    until("the alerts of a backend that is not there", lambda: {"AquiferFailingFast", "AquiferBackendOut"} <= firing())
    ok("AquiferFailingFast and AquiferBackendOut fire")
    with open(config, "a") as file:
        file.write("---\nkind: [\n")
    until("the alert of a broken configuration", lambda: "AquiferConfigRefused" in firing())
    ok("AquiferConfigRefused fires")
    running[1].kill()
    until("the alert of a process that is gone", lambda: "AquiferDown" in firing())
    ok("AquiferDown fires")


if __name__ == "__main__":
    place = tempfile.mkdtemp(prefix="aquifer-dashboards-")
    try:
        main(place)
    finally:
        for process in running:
            process.kill()
            process.wait()
        shutil.rmtree(place, ignore_errors=True)
