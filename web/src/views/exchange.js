// One exchange: its time as a picture, its blocks, what was changed on the way, and what it cost.
import { API, clientUrl, useFetched } from "../api.js";
import { Attempts, Facts, Legend, Outcome, TOKEN_KINDS, TokenBar, bare, dialect, tokenParts } from "../bits.js";
import { diff, folded, lined } from "../diff.js";
import { bytes, clipped, count, moment, percent, quoted, span, usd, visible } from "../format.js";
import { html, useMemo, useState } from "../lib.js";
import { useKeys } from "../keys.js";
import { Logs } from "../log.js";
import { Pane } from "../pane.js";
import { route } from "../route.js";
import { Head, Loading, Problem, When, back, copy } from "../shell.js";
import { Timeline } from "../timeline.js";

export const Exchange = () => {
  const id = route.value.parts[1] ?? "";
  const { data: exchange, error, reload } = useFetched(`exchanges/${encodeURIComponent(id)}`);
  useKeys({ Escape: back });
  if (error) {
    return html`<${Head} title="Exchange" sub=${html`<code>${clipped(id, 80)}</code>`} />
      ${error.status === 404 ? html`<section class="card empty"><h2>Not remembered</h2><p>It is still open, or newer ones took its place. <a href=${`#/streams/${encodeURIComponent(id)}`}>As a stream</a> · <a href="#/exchanges">all exchanges</a> · <button type="button" class="quiet small" onClick=${reload}>try again</button></p></section>` : html`<${Problem} error=${error} reload=${reload} />`}`;
  }
  if (!exchange) return html`<${Head} title="Exchange" /><${Loading} />`;
  return html`<${View} key=${id} exchange=${exchange} />`;
};

const View = ({ exchange }) => {
  const { data: text, error: denied } = useFetched(exchange.text?.available ? `exchanges/${encodeURIComponent(exchange.id)}/text` : null);
  const address = `${location.origin}${API}exchanges/${encodeURIComponent(exchange.id)}`;
  const shown = exchange.thinking_ms && exchange.duration_ms ? exchange.thinking_ms / exchange.duration_ms : null;
  return html`<${Head} title=${clipped(exchange.model, 80)} sub=${html`<${Outcome} row=${exchange} /> · ${moment(exchange.at_unix_ms)} (<${When} at=${exchange.at_unix_ms} />) · ${span(exchange.duration_ms)} · ${dialect(exchange.dialect)}${exchange.stream ? ", streamed" : ", whole"}`}>
      <button type="button" class="quiet" onClick=${() => copy(`curl ${quoted(address)}`, "curl")}>as curl</button>
      <button type="button" class="quiet" onClick=${() => copy(JSON.stringify(exchange, null, 2), "JSON")}>JSON</button>
      ${text?.request?.client ? html`<button type="button" class="quiet" onClick=${() => copy(asCurl(exchange, text.request.client), "the request as curl")}>request as curl</button>` : null}
    </${Head}>
    ${exchange.fault ? html`<section class="card fault"><strong class="bad">✗ ${visible(exchange.fault)}</strong><p>${visible(exchange.fault_message ?? "")}</p></section>` : null}
    <section class="card"><header class="card-head"><h2>Timeline</h2><${Attempts} attempts=${exchange.attempts} /></header>
      <${Timeline} exchange=${exchange} />
      <${Facts} facts=${[
        ["first reasoning", exchange.first_reasoning_ms != null && span(exchange.first_reasoning_ms)],
        ["reasoning ended", exchange.reasoning_end_ms != null && span(exchange.reasoning_end_ms)],
        ["thinking", exchange.thinking_ms ? `${span(exchange.thinking_ms)}${shown ? ` (${percent(shown)})` : ""}` : null],
        ["first content", exchange.first_content_ms != null && span(exchange.first_content_ms)],
        ["longest gap", exchange.longest_gap_ms != null && span(exchange.longest_gap_ms)],
        ["gateway's own time", exchange.overhead_ms != null && span(exchange.overhead_ms)],
        ["rate", exchange.tokens?.output && exchange.duration_ms ? `${Math.round((exchange.tokens.output * 1000) / exchange.duration_ms)} tokens/s` : null],
      ]} />
    </section>
    ${exchange.warnings?.length ? html`<section class="card"><header class="card-head"><h2>△ Warnings</h2><span class="faint">what was left out or changed on the way to the model</span></header><ul class="warnings">${exchange.warnings.map(warning => html`<li>${warning.code ? html`<code>${visible(warning.code)}</code> ` : null}${visible(warning.text ?? warning)}</li>`)}</ul></section>` : null}
    <${Text} exchange=${exchange} text=${text} denied=${denied} />
    ${text?.request?.client && text?.request?.upstream ? html`<${Changes} request=${text.request} />` : null}
    <div class="plots">
      <section class="card"><header class="card-head"><h2>Tokens</h2><span class="faint">${exchange.usage ?? ""}</span></header>
        ${exchange.tokens ? html`<${TokenBar} tokens=${exchange.tokens} wide=${true} /><${Legend} kinds=${TOKEN_KINDS} values=${tokenParts(exchange.tokens)} />` : html`<p class="faint">Nobody reported tokens.</p>`}
        <${CostLines} exchange=${exchange} /></section>
      <section class="card"><header class="card-head"><h2>Details</h2></header><${Facts} facts=${[
        ["id", html`<code>${visible(exchange.id)}</code>`],
        ["called model", html`<code>${visible(exchange.model_id ?? "")}</code>`],
        ["backend", exchange.backend && visible(exchange.backend)],
        ["route", exchange.route && `${visible(exchange.route)}${exchange.rule ? ` / ${visible(exchange.rule)}` : ""}`],
        ["caller", exchange.caller && visible(exchange.caller)],
        ["operation", exchange.operation],
        ["source", exchange.source !== "client" && exchange.source],
        ["answered from the cache", exchange.cached && "yes"],
        ["estimated besides", exchange.estimated_tokens && `${count(exchange.estimated_tokens.input)} tokens in, ${count(exchange.estimated_tokens.output)} out`],
        ["stop reason", exchange.stop_reason && `${visible(exchange.stop_reason)}${exchange.finish_reason ? ` → ${visible(exchange.finish_reason)}` : ""}`],
        ["request", exchange.asked?.body_bytes != null && bytes(exchange.asked.body_bytes)],
        ["answer", exchange.told_bytes != null && bytes(exchange.told_bytes)],
        ...Object.entries(exchange.asked ?? {}).filter(([key]) => key !== "body_bytes").map(([key, value]) => [key.replaceAll("_", " "), value != null && visible(typeof value === "object" ? JSON.stringify(value) : String(value))]),
        ["turns with tools", exchange.turns && ["kept", "restored", "missed"].filter(key => exchange.turns[key]).map(key => `${exchange.turns[key]} ${key}`).join(", ")],
        ["asked otherwise", exchange.amended ? `${exchange.amended} times` : null],
        ["hedges", exchange.hedges && typeof exchange.hedges === "object" ? Object.entries(exchange.hedges).filter(([, n]) => n).map(([key, n]) => `${n} ${key}`).join(", ") : exchange.hedges || null],
      ]} /></section>
    </div>
    <section class="card"><header class="card-head"><h2>Attempts</h2></header><div class="table-scroll" tabindex="0"><table class="plain"><thead><tr><th>backend</th><th>model</th><th>why</th><th>result</th><th>effort</th><th class="number">began</th><th class="number">sent</th><th class="number">first byte</th><th class="number">ended</th><th class="number">USD</th><th>id at AWS</th></tr></thead>
      <tbody>${(exchange.attempts ?? []).map(attempt => html`<tr><td>${bare(attempt.backend)}${attempt.region ? html` <span class="faint">${visible(attempt.region)}</span>` : null}</td><td><code>${clipped(attempt.model_id ?? "", 60)}</code></td><td>${attempt.why}</td>
        <td>${attempt.result}${attempt.status ? ` ${attempt.status}` : ""}${attempt.fault ? html` <span class="bad">${visible(attempt.fault)}</span>` : null}</td><td>${attempt.effort && (typeof attempt.effort === "object" ? JSON.stringify(attempt.effort) : attempt.effort)}</td>
        <td class="number">${span(attempt.started_ms)}</td><td class="number">${span(attempt.sent_ms)}</td><td class="number">${span(attempt.first_byte_ms)}</td><td class="number">${span(attempt.ended_ms)}</td><td class="number">${usd(attempt.cost_usd)}</td>
        <td>${attempt.upstream_request_id ? html`<button type="button" class="quiet small" title=${visible(attempt.upstream_request_id)} onClick=${() => copy(attempt.upstream_request_id, "the id")}><code>${clipped(attempt.upstream_request_id, 13)}</code></button>` : "–"}</td></tr>`)}</tbody></table></div></section>`;
};

const asCurl = (exchange, body) => {
  const path = { messages: "/v1/messages", responses: "/v1/responses" }[dialect(exchange.dialect)] ?? "/v1/chat/completions";
  return `curl -N ${clientUrl.value}${path} -H 'content-type: application/json' \\\n  -d ${quoted(body)}`;
};

const COSTS = [
  ["input_usd", "fresh input", tokens => tokens?.input],
  ["cache_read_usd", "read from the cache", tokens => tokens?.cache_read],
  ["cache_write_usd", "written to the cache", tokens => tokens?.cache_write],
  ["output_usd", "output", tokens => tokens?.output],
];

/** What one token of a kind cost, in dollars a million. */
const perMillion = (amount, tokens) => (amount && tokens ? `$${Number(((Number(amount) / tokens) * 1e6).toPrecision(4))} / M` : "");

const CostLines = ({ exchange }) => {
  const parts = exchange.cost_parts ?? {};
  const lines = COSTS.filter(([key, , of]) => parts[key] != null && (Number(parts[key]) || of(exchange.tokens)));
  if (exchange.cost_usd == null && !lines.length) {
    return html`<p class="sub">Cost: <strong>not known</strong>${exchange.cost_unknown ? html` (<code>${visible(Array.isArray(exchange.cost_unknown) ? exchange.cost_unknown.join(", ") : exchange.cost_unknown)}</code>)` : null}${exchange.estimated_cost_usd ? html`, about ${usd(exchange.estimated_cost_usd)}` : null}</p>`;
  }
  return html`<table class="plain costs"><thead><tr><th>cost</th><th class="number">tokens</th><th class="number">price</th><th class="number">USD</th></tr></thead>
    <tbody>${lines.map(([key, name, of]) => html`<tr><td>${name}</td><td class="number">${count(of(exchange.tokens))}</td><td class="number faint">${perMillion(parts[key], of(exchange.tokens))}</td><td class="number">${usd(parts[key])}</td></tr>`)}
      ${Number(parts.reasoning_usd) ? html`<tr class="faint"><td>◆ of which reasoning</td><td class="number">${count(exchange.tokens?.reasoning)}</td><td></td><td class="number">${usd(parts.reasoning_usd)}</td></tr>` : null}
      ${(exchange.costs ?? []).map(cost => html`<tr><td><code>${visible(cost.key)}</code></td><td></td><td class="faint">a cost of the route</td><td class="number">${visible(String(cost.value))}</td></tr>`)}</tbody>
    <tfoot><tr><th scope="row" colspan="3">in all${exchange.cost_unknown ? html` <span class="warn">△ not all is known</span>` : null}</th><td class="number"><strong>${usd(exchange.cost_usd)}</strong></td></tr>
      ${exchange.estimated_cost_usd ? html`<tr><th scope="row" colspan="3">estimated besides</th><td class="number">≈ ${usd(exchange.estimated_cost_usd)}</td></tr>` : null}</tfoot></table>`;
};

/** The blocks in their order: reasoning folded, and readable. */
const Text = ({ exchange, text, denied }) => {
  const [open, setOpen] = useState(false);
  useKeys({ r: () => setOpen(before => !before) });
  const runs = useMemo(() => {
    if (!text) return [];
    const blocks = text.blocks?.length
      ? text.blocks
      : [
          ...(text.reasoning?.text ? [{ kind: "reasoning", text: text.reasoning.text }] : []),
          ...(text.content?.text ? [{ kind: "content", text: text.content.text }] : []),
          ...(text.tools ?? []).map(tool => ({ kind: "tool", text: tool.arguments })),
        ];
    // Neighbours other than reasoning share a pane; a few hundred blocks are one pane each at most.
    const made = [];
    let calls = 0;
    for (const block of blocks) {
      const reasoning = block.kind === "reasoning";
      let run = made.at(-1);
      if (!run || run.reasoning !== reasoning) {
        if (made.length >= 60) run = made.findLast(other => other.reasoning === reasoning);
        else {
          run = { reasoning, logs: new Logs(), first: block.text };
          made.push(run);
        }
      }
      if (block.kind === "tool") {
        const tool = text.tools?.[block.call ?? calls++];
        run.logs.answer.append("tool", pretty(tool?.arguments ?? block.text), tool?.name ?? "tool");
      } else if (reasoning) {
        run.logs.reasoning.end();
        run.logs.reasoning.append("reasoning", block.text);
      } else {
        run.logs.answer.end();
        run.logs.answer.append("content", block.text);
      }
    }
    return made;
  }, [text]);
  if (!exchange.text) return null;
  if (!text) {
    const observe = String(exchange.text.observe ?? "metadata").toLowerCase();
    return html`<section class="card quiet-card"><p>${denied
      ? html`⊘ ${denied.message}`
      : exchange.text.available
        ? "…"
        : ["reasoning", "everything"].includes(observe)
          ? "The text of this exchange is no longer kept."
          : html`⊘ Text is hidden by policy${exchange.text.policy ? html` <code>${visible(exchange.text.policy)}</code>` : null}: <code>observe: ${visible(exchange.text.observe ?? "Metadata")}</code>`}</p></section>`;
  }
  return html`<section class="card"><header class="card-head"><h2>Text</h2><button type="button" class="quiet small" aria-pressed=${open} onClick=${() => setOpen(!open)} title="r">${open ? "fold reasoning" : "unfold reasoning"}</button></header>
    <div class="blocks">${runs.map((run, at) => run.reasoning
      ? html`<details class="fold" open=${open} key=${at}><summary><span class="glyph" aria-hidden="true">◆</span> Reasoning <span class="faint">${count(run.logs.reasoning.total)} characters · ${clipped(run.first, 90)}</span></summary><${Pane} log=${run.logs.reasoning} kind="reasoning" title="Reasoning" follow=${false} empty="It is empty." /></details>`
      : html`<${Pane} key=${at} log=${run.logs.answer} kind="answer" title="Answer" follow=${false} empty="It is empty." />`)}
      ${runs.length ? null : html`<p class="faint">No text is kept of it.</p>`}</div></section>`;
};

const pretty = text => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text ?? "";
  }
};

/** What the client sent, and what the model was sent, as one text. */
const Changes = ({ request }) => {
  const [whole, setWhole] = useState(false);
  const [side, setSide] = useState("diff");
  const lines = useMemo(() => {
    if (side === "client") return lined(request.client).map(text => ({ kind: "same", text }));
    if (side === "upstream") return lined(request.upstream).map(text => ({ kind: "same", text }));
    const all = diff(lined(request.client), lined(request.upstream));
    return whole ? all : folded(all);
  }, [request, whole, side]);
  const SIGN = { same: " ", gone: "−", new: "+", fold: "⋯" };
  return html`<section class="card"><header class="card-head"><h2>What was changed on the way</h2>
    <div class="head-side"><div class="segments" role="group" aria-label="which request">${[["diff", "difference"], ["client", "client’s"], ["upstream", "model’s"]].map(([name, words]) => html`<button type="button" aria-pressed=${side === name} onClick=${() => setSide(name)}>${words}</button>`)}</div>
      ${side === "diff" ? html`<button type="button" class="quiet small" aria-pressed=${whole} onClick=${() => setWhole(!whole)}>all lines</button>` : null}
      <button type="button" class="quiet small" onClick=${() => copy(side === "upstream" ? request.upstream : request.client, "JSON")}>copy</button></div></header>
    <div class="diff" tabindex="0" role="group" aria-label="difference of the two requests">${lines.slice(0, 3000).map(line => html`<div class=${line.kind}><span class="sign" aria-label=${line.kind === "gone" ? "client only" : line.kind === "new" ? "model only" : null}>${SIGN[line.kind]}</span><code>${visible(line.text)}</code></div>`)}
      ${lines.length > 3000 ? html`<div class="fold"><span class="sign">⋯</span>${count(lines.length - 3000)} more lines: copy them</div>` : null}</div></section>`;
};

