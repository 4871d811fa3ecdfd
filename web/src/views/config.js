// Configuration as it was loaded, what there is to say of it, and the log level.
import { may, post, useFetched } from "../api.js";
import { bytes, clock, count, span, visible } from "../format.js";
import { html, useInterval, useMemo, useRef, useState } from "../lib.js";
import { useKeys } from "../keys.js";
import { Head, Loading, Problem, When, copy, say } from "../shell.js";

// Not `trace`, which writes content.
const LEVELS = ["error", "warn", "info", "debug"];
const TIMES = [["60", "1 minute"], ["600", "10 minutes"], ["3600", "1 hour"], ["28800", "8 hours"]];
const GLYPHS = { error: ["✗", "bad"], warning: ["△", "warn"], info: ["ℹ", "faint"], problem: ["✗", "bad"], note: ["ℹ", "faint"] };

/** A setting in its unit, which its name ends with. */
const setting = (key, value) => {
  if (value == null) return ["–", key.replace(/_(ms|bytes)$/, "")];
  if (key.endsWith("_ms") && typeof value === "number") return [span(value), key.slice(0, -3)];
  if (key.endsWith("_bytes") && typeof value === "number") return [bytes(value), key.slice(0, -6)];
  if (typeof value === "number") return [count(value), key];
  return [visible(typeof value === "object" ? JSON.stringify(value) : String(value)), key];
};

const LogLevel = () => {
  const { data, error, reload } = useFetched("log-level", { every: 10_000 });
  const [level, setLevel] = useState(null);
  const [time, setTime] = useState("600");
  const [problem, setProblem] = useState(null);
  const [now, setNow] = useState(Date.now());
  useInterval(() => setNow(Date.now()), 1000);
  const chosen = level ?? data?.level ?? "info";
  const apply = async event => {
    event.preventDefault();
    try {
      await post("log-level", { level: chosen, for_s: Number(time) });
      setProblem(null);
      say(`the log level is ${chosen}`);
      reload();
    } catch (failure) {
      setProblem(failure);
    }
  };
  return html`<section class="card"><header class="card-head"><h2>Log level</h2>${data ? html`<span><strong>${data.level}</strong>${data.until_unix_ms > now ? html` <span class="faint">falls back in ${span(data.until_unix_ms - now)} (${clock(data.until_unix_ms)})</span>` : null}</span>` : null}</header>
    <${Problem} error=${error} />
    <form class="inline-form" onSubmit=${apply}>
      <label>level<select value=${chosen} onChange=${event => setLevel(event.target.value)}>${LEVELS.map(name => html`<option value=${name}>${name}</option>`)}</select></label>
      <label>for<select value=${time} onChange=${event => setTime(event.target.value)}>${TIMES.map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select></label>
      <button type="submit" disabled=${!may("operate")}>Set</button>
    </form>
    <p class="faint">It falls back by itself. <code>debug</code> shows the life of each reasoning stream, never its text.${may("operate") ? "" : " This session may not change it."}</p>
    <${Problem} error=${problem} /></section>`;
};

export const Configuration = () => {
  const { data, error, reload } = useFetched("config", { every: 15_000 });
  const [filter, setFilter] = useState("");
  const field = useRef(null);
  useKeys({ "/": () => field.current?.focus() });
  const text = data?.text == null ? "" : typeof data.text === "string" ? data.text : JSON.stringify(data.text, null, 2);
  const lines = useMemo(() => text.split("\n"), [text]);
  if (error && !data) return html`<${Head} title="Configuration" /><${Problem} error=${error} reload=${reload} />`;
  if (!data) return html`<${Head} title="Configuration" /><${Loading} />`;
  const word = filter.toLowerCase();
  const numbered = lines.map((line, at) => [at + 1, line]).filter(([, line]) => !word || line.toLowerCase().includes(word));
  const settings = Object.entries(data.settings ?? {});
  return html`<${Head} title="Configuration" sub=${html`${data.ok === false ? html`<span class="bad">✗ the last one was refused; the one before is in force</span>` : html`<span class="good">✓ in force</span>`} · loaded <${When} at=${data.loaded_unix_ms} />`} />
    ${data.last_error ? html`<section class="card fault"><strong class="bad">✗ Refused</strong><pre class="wrap">${visible(data.last_error)}</pre></section>` : null}
    <section class="card"><header class="card-head"><h2>Notices</h2></header>
      ${data.notices?.length ? html`<ul class="notices">${data.notices.map(notice => {
        const [glyph, tone] = GLYPHS[notice.severity] ?? GLYPHS.warning;
        return html`<li><span class=${tone}><span aria-hidden="true">${glyph}</span> ${notice.severity ?? "warning"}</span> <span>${visible(notice.message ?? notice)}</span>${notice.place ? html` <code class="faint">${visible(notice.place)}</code>` : null}</li>`;
      })}</ul>` : html`<p class="faint">✓ There is nothing to say of it.</p>`}</section>
    <div class="plots"><${LogLevel} />
      <section class="card"><header class="card-head"><h2>Settings of the command line</h2></header>
        ${settings.length ? html`<dl class="facts">${settings.map(([key, value]) => {
          const [text, name] = setting(key, value);
          return html`<div><dt>${name.replaceAll("_", " ")}</dt><dd>${text}</dd></div>`;
        })}</dl>` : html`<p class="faint">None is told.</p>`}</section></div>
    <section class="card"><header class="card-head"><h2>As loaded</h2><div class="head-side"><label class="search"><span class="offscreen">search the configuration</span><input ref=${field} type="search" placeholder="search ( / )" value=${filter} onInput=${event => setFilter(event.target.value)} /></label>
      <button type="button" class="quiet small" onClick=${() => copy(text, "the configuration")}>copy</button></div></header>
      <p class="faint">Secrets are shown as dots and the beginning of their hash. ${word ? `${count(numbered.length)} of ${count(lines.length)} lines` : ""}</p>
      <div class="listing" tabindex="0" role="group" aria-label="configuration as loaded">${numbered.slice(0, 4000).map(([at, line]) => html`<div><span class="line-number number" aria-hidden="true">${at}</span><code>${visible(line)}</code></div>`)}</div></section>`;
};

