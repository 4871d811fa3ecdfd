// Exchanges: the ring of what was answered, newest first, with a filter that is part of the address.
import { API, clientUrl, get, useFetched } from "../api.js";
import { Attempts, Cost, Outcome, TokenBar, bare, dialect } from "../bits.js";
import { clipped, clock, count, moment, quoted, span, visible } from "../format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { useKeys } from "../keys.js";
import { paused, useLive } from "../live.js";
import { go, replace, route } from "../route.js";
import { Head, Loading, Problem, Snippet, copy, download, say } from "../shell.js";
import { curlLine } from "./setup.js";

const LIMIT = 60;
const MOST = 600;

const EXAMPLES = ["outcome:failed", "status:429", "dur:>30s", "fault:", "model:", "caller:", "dialect:messages"];

export const Exchanges = () => {
  const q = route.value.query.get("q") ?? "";
  const [typed, setTyped] = useState(q);
  const [rows, setRows] = useState(null);
  const [next, setNext] = useState(null);
  const [selected, setSelected] = useState(null);
  const [fresh, setFresh] = useState(0);
  const path = `exchanges?limit=${LIMIT}${q ? `&q=${encodeURIComponent(q)}` : ""}`;
  const { data, error, reload } = useFetched(path);
  const field = useRef(null);
  const timer = useRef(null);
  useEffect(() => {
    if (!data) return;
    setRows(data.exchanges);
    setNext(data.next);
    setFresh(0);
  }, [data]);
  useEffect(() => setTyped(q), [q]);
  const again = useRef(null);
  useLive("exchanges", (event, name) => {
    if (name === "reset") return reload();
    if (q) {
      again.current ??= setTimeout(() => {
        again.current = null;
        reload();
      }, 1500);
      return undefined;
    }
    setRows(before => {
      if (!before) return before;
      const known = new Set(before.map(row => row.id));
      const added = event.exchanges.filter(row => !known.has(row.id)).sort((a, b) => b.at_unix_ms - a.at_unix_ms);
      if (added.length) setFresh(at => at + added.length);
      return [...added, ...before].slice(0, MOST);
    });
    return undefined;
  });
  useEffect(() => () => clearTimeout(again.current), []);
  const apply = text => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => replace(text.trim() ? `#/exchanges?q=${encodeURIComponent(text.trim())}` : "#/exchanges"), 250);
  };
  const more = async () => {
    try {
      const page = await get(`${path}&before=${encodeURIComponent(next)}`);
      setRows(before => [...before, ...page.exchanges.filter(row => !before.some(old => old.id === row.id))]);
      setNext(page.next);
    } catch (problem) {
      say(problem.message);
    }
  };
  const box = useRef(null);
  const at = rows?.findIndex(row => row.id === selected) ?? -1;
  const move = step => {
    if (!rows?.length) return;
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
    setSelected(row.id);
    const link = box.current?.querySelector(`[data-id="${CSS.escape(row.id)}"]`);
    link?.focus({ preventScroll: true });
    link?.scrollIntoView({ block: "nearest" });
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    "/": () => field.current?.focus(),
    Enter: () => (selected ? go(`#/x/${encodeURIComponent(selected)}`) : false),
    Escape: () => (q ? apply("") : false),
  });
  const body = useMemo(() => rows?.map(row => html`<${Row} key=${row.id} row=${row} selected=${row.id === selected} />`), [rows, selected]);
  const curl = `curl ${quoted(`${location.origin}${API}${path}`)}`;
  const dated = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  return html`<${Head} title="Exchanges" sub=${rows ? `${count(rows.length)}${next ? "+" : ""} shown, newest first${fresh && !paused.value ? `, ${count(fresh)} new` : ""}` : null}>
      <button type="button" class="quiet" disabled=${!rows?.length} onClick=${() => copy(curl, "curl")}>as curl</button>
      <button type="button" class="quiet" disabled=${!rows?.length} onClick=${() => download(`exchanges-${dated}.jsonl`, "application/jsonl", rows.map(row => JSON.stringify(row)).join("\n") + "\n")}>JSONL</button>
    </${Head}>
    <form class="filter" role="search" onSubmit=${event => event.preventDefault()}>
      <label><span class="offscreen">filter the exchanges</span><input ref=${field} type="search" spellcheck="false" autocapitalize="off" placeholder="model:opus outcome:failed dur:>30s …   ( / )" value=${typed} onInput=${event => apply(event.target.value)} /></label>
      <ul class="chips" aria-label="examples of filters">${EXAMPLES.map(text => html`<li><button type="button" class="chip" onClick=${() => {
        const now = `${typed.trim()} ${text}`.trim();
        apply(now);
        if (text.endsWith(":")) field.current?.focus();
      }}>${text}</button></li>`)}</ul>
    </form>
    <${Problem} error=${error} reload=${reload} />
    ${!rows && !error ? html`<${Loading} />` : null}
    ${rows?.length ? html`<div class="rows-scroll"><table class="rows" ref=${box}><thead><tr>
      <th>time</th><th>model</th><th>outcome</th><th>attempts</th><th class="number">first reasoning</th><th class="number">first content</th><th class="number">duration</th><th>tokens</th><th class="number">USD</th></tr></thead>
      <tbody>${body}</tbody></table></div>
      ${next ? html`<p class="more-rows"><button type="button" class="quiet" onClick=${more}>earlier ones</button></p>` : html`<p class="faint more-rows">These are all that are remembered.</p>`}` : null}
    ${rows && !rows.length ? q
      ? html`<section class="card empty"><h2>Nothing fits</h2><p>No remembered exchange fits <code>${clipped(q, 120)}</code>. <button type="button" class="quiet small" onClick=${() => apply("")}>show all</button></p></section>`
      : html`<section class="card empty"><h2>No exchange yet</h2><p>The newest are remembered here without their content.</p><${Snippet} text=${curlLine(clientUrl.value)} label="curl" /></section>` : null}`;
};

const Row = ({ row, selected }) => html`<tr class=${selected ? "selected" : null} onClick=${event => event.target.closest("a, button") || go(`#/x/${encodeURIComponent(row.id)}`)}>
  <td data-label="time"><a href=${`#/x/${encodeURIComponent(row.id)}`} data-id=${row.id} title=${moment(row.at_unix_ms)} class="number">${clock(row.at_unix_ms)}</a></td>
  <td data-label="model" class="model-cell"><span class="model-name" title=${visible(row.model_id)}>${clipped(row.model, 64)}</span>
    <span class="faint under">${[row.route && bare(row.route), row.caller && visible(row.caller), dialect(row.dialect), row.source === "playground" ? "playground" : null, row.stream ? null : "whole"].filter(Boolean).join(" · ")}</span></td>
  <td data-label="outcome"><${Outcome} row=${row} />${row.fault ? html`<span class="under bad">${visible(row.fault)}</span>` : null}${row.warnings ? html`<span class="under warn" title="warnings">△ ${row.warnings} ${row.warnings === 1 ? "warning" : "warnings"}</span>` : null}</td>
  <td data-label="attempts"><${Attempts} attempts=${row.attempts} /></td>
  <td data-label="first reasoning" class="number ink-reasoning">${span(row.first_reasoning_ms)}</td>
  <td data-label="first content" class="number ink-answer">${span(row.first_content_ms)}</td>
  <td data-label="duration" class="number">${span(row.duration_ms)}</td>
  <td data-label="tokens"><${TokenBar} tokens=${row.tokens} /></td>
  <td data-label="USD" class="number"><${Cost} row=${row} /></td>
</tr>`;
