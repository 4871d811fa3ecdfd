// Now: what comes, what goes wrong, how quick it is and what it costs.
import { clientUrl, useFetched } from "../api.js";
import { Phase } from "../bits.js";
import { clipped, count, percent, short, span, usd, visible } from "../format.js";
import { html, remembered, useInterval, useMemo, useRef, useState } from "../lib.js";
import { paused, useLive } from "../live.js";
import { Plot, Spark, thinned } from "../plot.js";
import { Head, Loading, Problem, Snippet, When } from "../shell.js";
import { curlLine } from "./setup.js";

const range = remembered("range", "15m");

const Tile = ({ name, value, unit, sub, values, kind }) => html`<section class="card tile" aria-label=${name}>
  <h2>${name}</h2>
  <p class="value">${value}${unit ? html`<span class="unit"> ${unit}</span>` : null}</p>
  <p class="tile-sub">${sub ?? "\u00a0"}</p>
  <${Spark} values=${values} kind=${kind} />
</section>`;

const timesOf = series => {
  const length = series.columns.answered?.length ?? 0;
  const end = Math.floor(series.end_unix_ms / 1000);
  return Array.from({ length }, (_, at) => end - (length - 1 - at) * series.step_s);
};

/** A series without the time before the start, but for the last two minutes or hours. */
const since = (series, started) => {
  const length = series.columns.answered?.length ?? 0;
  const wanted = started == null ? length : Math.ceil((series.end_unix_ms - started) / 1000 / series.step_s) + 4;
  const kept = Math.min(length, Math.max(120, wanted));
  return kept === length ? series : { ...series, columns: Object.fromEntries(Object.entries(series.columns).map(([name, values]) => [name, values.slice(-kept)])) };
};

const column = (series, name) => series?.columns?.[name] ?? [];
const scaled = (values, factor) => values.map(value => (value == null ? null : value * factor));

/** Sums over so many steps, so that single requests are seen as a rate. */
const rolling = (values, width) => {
  let sum = 0;
  return values.map((value, at) => {
    sum += value ?? 0;
    if (at >= width) sum -= values[at - width] ?? 0;
    // What floating point leaves of nothing is nothing.
    return sum < 1e-9 ? 0 : sum;
  });
};

/** The last known value, for so many steps. */
const held = (values, width) => {
  let last = null;
  let age = 0;
  return values.map(value => {
    if (value != null) {
      last = value;
      age = 0;
    } else age += 1;
    return age > width ? null : last;
  });
};

export const Now = () => {
  const { data: first, error, reload } = useFetched("summary", { every: 10_000 });
  const { data: whole } = useFetched(`series?window=${range.value}`, { every: range.value === "15m" ? 3000 : 60_000 });
  const { data: open } = useFetched("streams");
  const [stats, setStats] = useState(null);
  const [streams, setStreams] = useState(null);
  const flights = useRef([]);
  useLive("stats", (data, name) => name === "stats" && setStats(data));
  useLive("streams", (data, name) => name === "streams" && setStreams(data.streams));
  const latest = useRef(null);
  const summary = first ? { ...first, ...stats, minute: stats?.minute ?? stats?.requests != null ? { ...first.minute, ...(stats?.minute ?? stats) } : first.minute } : null;
  latest.current = summary;
  useInterval(() => {
    if (latest.current && !paused.value) flights.current = [...flights.current.slice(-119), latest.current.in_flight];
  }, 1000);

  // Of a gateway that started a moment ago nothing is known of the time before.
  const series = useMemo(() => (whole ? since(whole, first?.started_unix_ms) : null), [whole, first?.started_unix_ms]);
  const lines = useMemo(() => {
    if (!series) return null;
    const short15 = series.step_s < 10;
    const width = short15 ? 10 : 1;
    const hold = short15 ? 30 : 5;
    const perSecond = values => scaled(rolling(values, width), 1 / (width * series.step_s));
    return {
      times: timesOf(series),
      rate: [
        { name: "answered", ink: "good", values: perSecond(column(series, "answered")), fill: true },
        { name: "failed", ink: "bad", values: perSecond(column(series, "failed")) },
        { name: "abandoned", ink: "gone", dash: [5, 4], values: perSecond(column(series, "abandoned")) },
      ],
      first: [
        { name: "reasoning p50", ink: "reasoning", values: held(column(series, "first_reasoning_p50_ms"), hold) },
        { name: "reasoning p95", ink: "reasoning", dash: [5, 4], values: held(column(series, "first_reasoning_p95_ms"), hold) },
        { name: "content p50", ink: "answer", values: held(column(series, "first_content_p50_ms"), hold) },
        { name: "content p95", ink: "answer", dash: [5, 4], values: held(column(series, "first_content_p95_ms"), hold) },
      ],
      tokens: [
        { name: "input", ink: "input", values: perSecond(column(series, "input_tokens")) },
        { name: "output", ink: "answer", values: perSecond(column(series, "output_tokens")), fill: true },
        { name: "reasoning", ink: "reasoning", values: perSecond(column(series, "reasoning_tokens")), fill: true },
      ],
      cost: [{ name: "USD a minute", ink: "cost", values: scaled(rolling(column(series, "cost_usd"), short15 ? 60 : 1), short15 ? 1 : 60 / series.step_s), fill: true }],
    };
  }, [series]);

  if (error && !summary) return html`<${Head} title="Now" /><${Problem} error=${error} reload=${reload} />`;
  if (!summary) return html`<${Head} title="Now" /><${Loading} />`;
  const minute = summary.minute ?? {};
  const shown = streams ?? open?.streams ?? [];
  const spark = (name, how) => thinned(column(series, name), 90, how);
  const total = thinned(column(series, "answered").map((value, at) => (value ?? 0) + (column(series, "failed")[at] ?? 0) + (column(series, "abandoned")[at] ?? 0)), 90, "mean");
  const empty = !minute.requests && !shown.length && !(column(series, "answered").some(Boolean) || column(series, "failed").some(Boolean));
  const notices = Array.isArray(summary.config?.notices) ? summary.config.notices.length : summary.config?.notices ?? 0;
  const quick = part => (part?.p50 == null ? "–" : span(part.p50));
  return html`
    <${Head} title="Now" sub=${html`up ${span(Date.now() - summary.started_unix_ms)} · configuration loaded <${When} at=${summary.config?.loaded_unix_ms} />${
      summary.config?.ok === false ? html` · <a class="bad" href="#/config">✗ the last one was refused</a>` : null
    }${notices ? html` · <a class="warn" href="#/config">△ ${notices} ${notices === 1 ? "notice" : "notices"}</a>` : null}`}>
      <div class="segments" role="group" aria-label="window">${[["15m", "15 min"], ["24h", "24 h"]].map(
        ([name, words]) => html`<button type="button" aria-pressed=${range.value === name} onClick=${() => { range.value = name; }}>${words}</button>`,
      )}</div>
    </${Head}>
    <div class="tiles">
      <${Tile} name="Requests" value=${short(minute.requests_per_s ?? 0)} unit="/s" sub=${`${count(minute.requests ?? 0)} in the last minute`} values=${total} kind="input" />
      <${Tile} name="Failed" value=${minute.requests ? percent(minute.failed / minute.requests) : "–"} sub=${`${count(minute.failed ?? 0)} failed, ${count(minute.abandoned ?? 0)} left`} values=${thinned(rolling(column(series, "failed"), series?.step_s < 10 ? 30 : 1), 90)} kind="bad" />
      <${Tile} name="Open streams" value=${count(summary.in_flight)} sub=${shown.length ? `${shown.filter(stream => stream.phase === "thinking").length} thinking` : "none open"} values=${flights.current} kind="line" />
      <${Tile} name="First reasoning" value=${quick(minute.first_reasoning_ms)} sub=${minute.first_reasoning_ms?.p95 == null ? null : `p95 ${span(minute.first_reasoning_ms.p95)}`} values=${spark("first_reasoning_p50_ms", "mean")} kind="reasoning" />
      <${Tile} name="First content" value=${quick(minute.first_content_ms)} sub=${minute.first_content_ms?.p95 == null ? null : `p95 ${span(minute.first_content_ms.p95)}`} values=${spark("first_content_p50_ms", "mean")} kind="answer" />
      <${Tile} name="Cost" value=${usd(summary.usd_per_hour ?? 0)} unit="/h" sub=${`${usd(minute.cost_usd ?? 0)} in the last minute`} values=${thinned(rolling(column(series, "cost_usd"), 30), 90)} kind="cost" />
    </div>
    ${empty ? html`<section class="card empty"><h2>Nothing was asked yet</h2><p>Ask something, and it appears here while it is answered. Or open the <a href="#/play">playground</a>.</p><${Snippet} text=${curlLine(clientUrl.value)} label="curl" /></section>` : null}
    ${shown.length ? html`<section class="card strip" aria-label="what is open now"><header class="card-head"><h2>Open now</h2><a href="#/streams">all streams</a></header>
      <ul>${shown.slice(0, 6).map(stream => html`<li key=${stream.id}><a href=${`#/streams/${encodeURIComponent(stream.id)}`}><${Phase} phase=${stream.phase} /><span class="grow">${clipped(stream.model, 60)}</span>
        <span class="number">${stream.reasoning_chars ? html`<span class="ink-reasoning">◆ ${short(stream.reasoning_chars)}</span> ` : null}${stream.content_chars ? html`<span class="ink-answer">● ${short(stream.content_chars)}</span> ` : null}</span>
        <span class="number faint">${span(Date.now() - stream.begun_unix_ms)}</span></a></li>`)}</ul></section>` : null}
    ${lines ? html`<div class="plots">
      <${Plot} title="Requests a second" times=${lines.times} lines=${lines.rate} format=${short} />
      <${Plot} title="Time to the first token" times=${lines.times} lines=${lines.first} format=${span} />
      <${Plot} title="Tokens a second" times=${lines.times} lines=${lines.tokens} format=${short} />
      <${Plot} title="Cost a minute" times=${lines.times} lines=${lines.cost} format=${value => (value === 0 ? "$0" : `$${value.toPrecision(2)}`)} />
    </div>` : html`<${Loading} />`}
    <div class="plots">
      <section class="card"><header class="card-head"><h2>Top models</h2></header><${TopModels} models=${summary.top_models ?? []} /></section>
      <section class="card"><header class="card-head"><h2>Top faults</h2></header><${TopFaults} faults=${summary.top_faults ?? []} /></section>
    </div>`;
};

const Share = ({ part, kind }) => html`<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class=${`fill-${kind}`} width=${Math.max(part * 100, 1)} height="4" rx="1" /></svg>`;

const TopModels = ({ models }) => {
  if (!models.length) return html`<p class="faint">No model was called yet.</p>`;
  const most = Math.max(...models.map(model => model.requests), 1);
  return html`<table class="plain"><thead><tr><th>model</th><th class="number">requests</th><th class="number">failed</th><th class="number wide-only">output</th><th class="number">USD</th></tr></thead>
    <tbody>${models.map(model => html`<tr><td><a href=${`#/exchanges?q=${encodeURIComponent(`model:${model.model}`)}`}>${visible(model.model)}</a><${Share} part=${model.requests / most} kind="input" /></td>
      <td class="number">${count(model.requests)}</td><td class=${`number ${model.failed ? "bad" : "faint"}`}>${count(model.failed)}</td><td class="number wide-only">${short(model.output_tokens)}</td><td class="number">${usd(model.cost_usd)}</td></tr>`)}</tbody></table>`;
};

const TopFaults = ({ faults }) => {
  if (!faults.length) return html`<p class="faint">✓ No faults.</p>`;
  const most = Math.max(...faults.map(fault => fault.count), 1);
  return html`<table class="plain"><thead><tr><th>fault</th><th class="number">times</th></tr></thead>
    <tbody>${faults.map(fault => html`<tr><td><a href=${`#/exchanges?q=${encodeURIComponent(`fault:${fault.fault}`)}`}>${visible(fault.fault)}</a><${Share} part=${fault.count / most} kind="bad" /></td><td class="number">${count(fault.count)}</td></tr>`)}</tbody></table>`;
};

