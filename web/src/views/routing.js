// Backends and routes: how each backend is, which rule takes what, and which would take a request.
import { get, useFetched } from "../api.js";
import { Facts, bare } from "../bits.js";
import { count, moment, span, visible } from "../format.js";
import { html, useInterval, useState } from "../lib.js";
import { useLive } from "../live.js";
import { Head, Loading, Problem, When } from "../shell.js";

const STATES = { ok: ["✓", "good"], ejected: ["✗", "bad"], full: ["△", "warn"] };

const Backend = ({ backend, now }) => {
  const [glyph, tone] = STATES[backend.state] ?? ["?", "gone"];
  const expiry = backend.credentials?.expiry_unix_ms;
  return html`<section class="card backend" aria-label=${`backend ${visible(backend.name)}`}>
    <header class="card-head"><h3>${bare(backend.name)}</h3><span class=${`state ${tone}`}><span aria-hidden="true">${glyph}</span> ${backend.state}${backend.state === "ejected" && backend.ejected_until_unix_ms > now ? ` for ${span(backend.ejected_until_unix_ms - now)}` : ""}</span></header>
    <${Facts} facts=${[
      ["provider", backend.provider && visible(backend.provider)],
      ["model", backend.model && html`<code>${visible(backend.model)}</code>`],
      ["region", backend.region && visible(backend.region)],
      ["endpoint", backend.endpoint && html`<code>${visible(backend.endpoint)}</code>`],
      ["open calls", `${count(backend.open_calls ?? 0)}${backend.waiting_calls ? `, ${count(backend.waiting_calls)} wait` : ""}`],
      ["why", backend.why && visible(backend.why)],
      ["retry budget", backend.retry_budget != null && (typeof backend.retry_budget === "object" ? JSON.stringify(backend.retry_budget) : `${Number(backend.retry_budget).toFixed(1)} retries`)],
      ["credentials", backend.credentials?.source && visible(backend.credentials.source)],
      ["they end", expiry && html`<span class=${expiry - now < 600_000 ? "warn" : null} title=${moment(expiry)}>${expiry > now ? `in ${span(expiry - now)}` : "△ they ended"}</span>`],
    ]} />
    ${backend.last_faults?.length ? html`<ul class="last-faults">${backend.last_faults.slice(0, 5).map(fault => html`<li><span class="bad">${visible(fault.fault)}</span> <span class="faint"><${When} at=${fault.at_unix_ms} now=${now} /></span></li>`)}</ul>` : null}
  </section>`;
};

const weightOf = (backend, all) => {
  const peers = all.filter(other => other.priority === backend.priority);
  const sum = peers.reduce((total, other) => total + (other.weight ?? 1), 0);
  return peers.length > 1 && sum ? `${Math.round(((backend.weight ?? 1) / sum) * 100)} %` : null;
};

const Rule = ({ rule }) => html`<li class="rule"><span class="precedence number" title="the rule’s number">${rule.number != null ? rule.number + 1 : typeof rule.precedence === "number" ? rule.precedence : ""}</span>
  <div class="rule-body"><span class="rule-name">${rule.name ? visible(rule.name) : html`<span class="faint">without a name</span>`}</span>
    <ul class="matches">${(rule.matches?.filter(Boolean).length ? rule.matches.filter(Boolean) : ["every request"]).map(match => html`<li><code>${visible(match)}</code></li>`)}</ul>${typeof rule.precedence === "string" ? html`<span class="under faint">${visible(rule.precedence)}</span>` : null}</div>
  <ul class="targets">${(rule.backends ?? []).map(backend => html`<li><span aria-hidden="true">→</span> ${bare(backend.name)}${weightOf(backend, rule.backends) ? html` <span class="faint">${weightOf(backend, rule.backends)}</span>` : null}${backend.priority ? html` <span class="faint">priority ${backend.priority}</span>` : null}${backend.model ? html` <code>${visible(backend.model)}</code>` : null}</li>`)}</ul></li>`;

const Explain = () => {
  const [model, setModel] = useState("");
  const [host, setHost] = useState("");
  const [header, setHeader] = useState("");
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const ask = async event => {
    event.preventDefault();
    const query = new URLSearchParams({ model });
    if (host.trim()) query.set("host", host.trim());
    for (const line of header.split("\n").filter(text => text.includes(":"))) query.append("header", line.trim());
    try {
      setAnswer(await get(`routes/explain?${query}`));
      setError(null);
    } catch (problem) {
      setAnswer(null);
      setError(problem);
    }
  };
  return html`<section class="card" aria-labelledby="explain"><header class="card-head"><h2 id="explain">Which rule would take…</h2></header>
    <form class="explain" onSubmit=${ask}>
      <label>model<input value=${model} onInput=${event => setModel(event.target.value)} placeholder="us.anthropic.claude-sonnet-4-6" spellcheck="false" required /></label>
      <label>host, where routes ask for one<input value=${host} onInput=${event => setHost(event.target.value)} placeholder="any" spellcheck="false" /></label>
      <label>headers, one a line<textarea rows="1" value=${header} onInput=${event => setHeader(event.target.value)} placeholder="x-team: search" spellcheck="false"></textarea></label>
      <button type="submit" class="primary">Tell</button>
    </form>
    <div role="status">${answer ? html`<div class="answer-line">${answer.rule ? html`<strong class="good">✓ ${visible(answer.rule.name ?? answer.rule.route ?? "a rule")}</strong>` : answer.backend ? html`<strong class="good">✓ backend ${bare(answer.backend)}</strong>` : html`<strong class="bad">✗ none</strong>`} <span>${visible(answer.why)}</span>
      ${answer.rule?.backends ? html`<ul class="rules"><${Rule} rule=${answer.rule} /></ul>` : null}</div>` : null}</div>
    <${Problem} error=${error} /></section>`;
};

export const Routing = () => {
  const { data: routes, error: noRoutes, reload } = useFetched("routes");
  const { data: first, error } = useFetched("backends", { every: 15_000 });
  const [live, setLive] = useState(null);
  const [now, setNow] = useState(Date.now());
  useLive("backends", (data, name) => name === "backends" && setLive(data.backends));
  useInterval(() => setNow(Date.now()), 1000);
  const backends = live ?? first?.backends;
  return html`<${Head} title="Backends and routes" sub=${backends ? `${count(backends.length)} ${backends.length === 1 ? "backend" : "backends"}, ${count(backends.filter(backend => backend.state === "ok").length)} ok` : null} />
    <${Problem} error=${error ?? noRoutes} reload=${reload} />
    ${backends ? html`<h2 class="offscreen">Backends</h2><div class="backends">${backends.slice(0, 200).map(backend => html`<${Backend} key=${backend.name} backend=${backend} now=${now} />`)}</div>` : error ? null : html`<${Loading} />`}
    <${Explain} />
    ${routes ? html`${(routes.routes ?? []).map(route => html`<section class="card"><header class="card-head"><h2>${bare(route.name)}</h2><span class="faint">rules in their order</span></header><ul class="rules">${(route.rules ?? []).map(rule => html`<${Rule} rule=${rule} />`)}</ul></section>`)}
      ${routes.routes?.length ? null : html`<section class="card empty"><h2>No routes</h2><p>Every model goes to Bedrock under its own id.</p></section>`}
      ${routes.models?.length ? html`<section class="card"><header class="card-head"><h2>Models that are offered</h2></header><ul class="chips">${routes.models.map(model => html`<li><a class="chip" href=${`#/models?q=${encodeURIComponent(model.name ?? model.id ?? model)}`}>${visible(model.name ?? model.id ?? String(model))}</a></li>`)}</ul></section>` : null}` : null}`;
};
