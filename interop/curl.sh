#!/usr/bin/env bash
# What curl sees of the gateway. Usage: curl.sh GATEWAY
set -euo pipefail
gateway=$1
model=anthropic.claude-3-5-sonnet-20241022-v2:0
check() { # NAME PATTERN TEXT
    if grep -qE -- "$2" <<<"$3"; then echo "ok    $1"; else echo "WRONG $1: expected $2 in: $3" >&2; exit 1; fi
}
key="authorization: Bearer key-of-curl-itself"
ask() { curl -sS -m 30 -i -H "$key" "$@"; }
chat() { ask "$gateway/v1/chat/completions" -H 'content-type: application/json' -d "$1" "${@:2}"; }
stream="{\"model\": \"$model\", \"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"Hello?\"}]}"

seen=$(chat "$stream" -N)
check "a stream" '^HTTP/1.1 200' "$seen"
check "is server-sent events" '^content-type: text/event-stream' "$seen"
check "with reasoning" '"delta":\{"reasoning":"' "$seen"
check "and content" '"delta":\{"content":"' "$seen"
check "that ends" '^data: \[DONE\]' "$(tail -n 2 <<<"$seen")"
check "HTTP/2 without TLS" '^HTTP/2 200' "$(chat "$stream" -N --http2-prior-knowledge)"
check "an unknown path" '^HTTP/1.1 404' "$(ask "$gateway/v1/nothing")"
check "a wrong method" '^HTTP/1.1 405' "$(ask "$gateway/v1/chat/completions")"
check "says which is right" '^allow: POST' "$(ask "$gateway/v1/chat/completions")"
check "a body that is no JSON" '^HTTP/1.1 400' "$(chat '{"model":')"
check "no messages" '"param":"messages"' "$(chat "{\"model\": \"$model\", \"messages\": []}")"
check "an unknown model" '"code":"model_not_found"' "$(chat '{"model": "nobody", "messages": [{"role": "user", "content": "Hi"}]}')"
for broken in '{"model":' '[]' '{}' 'null'; do
    curl -sS -m 30 -H "$key" "$gateway/v1/chat/completions" -d "$broken" | python3 -c 'import json, sys; json.load(sys.stdin)["error"]["message"]'
    echo "ok    the error for $broken is JSON"
done
key="x-key: none"
seen=$(chat "$stream")
check "no key" '^HTTP/1.1 401' "$seen"
check "says how to send one" '^www-authenticate: Bearer' "$seen"
check "a wrong key" '^HTTP/1.1 401' "$(chat "$stream" -H 'x-api-key: key-of-nobody-here')"
check "a key in x-api-key" '^HTTP/1.1 200' "$(chat "$stream" -H 'x-api-key: key-of-curl-itself')"
check "a key in api-key" '^HTTP/1.1 200' "$(chat "$stream" -H 'api-key: key-of-curl-itself')"
