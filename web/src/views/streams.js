// Streams: what is open now; one of them with its reasoning and its answer as they arrive.
import { clientUrl, useFetched } from "../api.js";
import { Facts, Phase, bare, dialect } from "../bits.js";
import { bytes, clipped, count, short, span, visible } from "../format.js";
import { html, useEffect, useInterval, useMemo, useRef, useState } from "../lib.js";
import { useKeys } from "../keys.js";
import { useLive } from "../live.js";
import { Logs } from "../log.js";
import { Pane } from "../pane.js";
import { go, route } from "../route.js";
import { Head, Loading, Problem, Snippet, announce } from "../shell.js";
import { curlLine } from "./setup.js";

const OBSERVABLE = new Set(["reasoning", "everything"]);
const observed = stream => OBSERVABLE.has(String(stream.observe ?? "").toLowerCase());

const Card = ({ stream, chosen, now, rate }) => {
  const silence = stream.last_byte_unix_ms ? now - stream.last_byte_unix_ms : null;
  return html`<li><a class=${`stream-card ${stream.phase}`} href=${`#/streams/${encodeURIComponent(stream.id)}`} aria-current=${chosen ? "true" : null} data-row>
    <span class="stream-top"><${Phase} phase=${stream.phase} /><span class="number faint">${span(now - stream.begun_unix_ms)}</span></span>
    <strong class="stream-model">${clipped(stream.model, 80)}</strong>
    <span class="faint stream-where">${[bare(stream.backend), stream.caller && visible(stream.caller), dialect(stream.dialect)].filter(Boolean).join(" · ")}${stream.attempts > 1 ? ` · attempt ${stream.attempts}` : ""}</span>
    <span class="stream-numbers">${stream.reasoning_chars == null ? null : html`<span class="ink-reasoning" title="characters of reasoning">◆ ${short(stream.reasoning_chars)}</span>`}${stream.content_chars == null ? null : html`<span class="ink-answer" title="characters of the answer">● ${short(stream.content_chars)}</span>`}<span class="faint" title="bytes of the answer">${bytes(stream.bytes ?? 0)}</span>
      <span class="faint">${rate ? `${bytes(Math.round(rate))}/s` : ""}</span>
      ${silence > 2000 ? html`<span class="warn" title="nothing came for so long">△ silent ${span(silence - (silence % 100))}</span>` : null}
      ${observed(stream) ? null : html`<span class="faint" title=${stream.policy ?? ""}>⊘ hidden by policy</span>`}</span>
  </a></li>`;
};

export const Streams = () => {
  const id = route.value.parts[1] ?? null;
  const { data, error, reload } = useFetched("streams");
  const [streams, setStreams] = useState(null);
  const [now, setNow] = useState(Date.now());
  const [filter, setFilter] = useState("");
  const rates = useRef(new Map());
  useLive("streams", (event, name) => {
    if (name === "reset") return reload();
    const at = Date.now();
    for (const stream of event.streams) {
      const before = rates.current.get(stream.id);
      if (!before || at - before.at > 900) rates.current.set(stream.id, { at, bytes: stream.bytes, rate: before ? ((stream.bytes - before.bytes) * 1000) / (at - before.at) : 0 });
    }
    if (rates.current.size > 500) rates.current.clear();
    setNow(at);
    setStreams(event.streams);
    return undefined;
  });
  useInterval(() => setNow(Date.now()), 500);
  const all = streams ?? data?.streams ?? null;
  const box = useRef(null);
  const move = step => {
    const cards = [...(box.current?.querySelectorAll("[data-row]") ?? [])];
    if (!cards.length) return;
    const at = cards.indexOf(document.activeElement);
    cards[Math.max(0, Math.min(cards.length - 1, at + step))].focus();
  };
  const search = useRef(null);
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    "/": () => search.current?.focus(),
    Escape: () => id && go("#/streams"),
  });
  if (error && !all) return html`<${Head} title="Streams" /><${Problem} error=${error} reload=${reload} />`;
  if (!all) return html`<${Head} title="Streams" /><${Loading} />`;
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.filter(stream => words.every(word => `${stream.model} ${stream.route} ${stream.backend} ${stream.caller} ${stream.phase} ${stream.dialect} ${stream.id}`.toLowerCase().includes(word)));
  const chosen = all.find(stream => stream.id === id) ?? null;
  return html`<${Head} title="Streams" sub=${`${count(all.length)} open${all.some(stream => stream.phase === "thinking") ? `, ${count(all.filter(stream => stream.phase === "thinking").length)} thinking` : ""}`}>
      <label class="search"><span class="offscreen">filter the streams</span><input ref=${search} type="search" placeholder="filter ( / )" value=${filter} onInput=${event => setFilter(event.target.value)} /></label>
    </${Head}>
    ${id ? html`<${Watch} key=${id} id=${id} stream=${chosen} now=${now} />` : null}
    ${shown.length ? html`<ul class=${`stream-cards ${id ? "compact" : ""}`} ref=${box}>${shown.slice(0, 200).map(stream => html`<${Card} key=${stream.id} stream=${stream} chosen=${stream.id === id} now=${now} rate=${rates.current.get(stream.id)?.rate} />`)}</ul>
      ${shown.length > 200 ? html`<p class="faint">and ${count(shown.length - 200)} more; filter them</p>` : null}` : null}
    ${!all.length && !id ? html`<section class="card empty"><h2>No stream is open</h2><p>Ask something that is streamed; this page shows what the model thinks and says while it comes.</p><${Snippet} text=${curlLine(clientUrl.value)} label="curl" /></section>` : null}
    ${all.length && !shown.length ? html`<p class="faint">None of ${count(all.length)} fits the filter.</p>` : null}`;
};

/** One stream with both panes. */
const Watch = ({ id, stream, now }) => {
  const logs = useMemo(() => new Logs(), [id]);
  const [hidden, setHidden] = useState(null);
  const [follow, setFollow] = useState(true);
  const [folded, setFolded] = useState(false);
  const [leftOut, setLeftOut] = useState(0);
  const [side, setSide] = useState("both");
  const [last, setLast] = useState(stream);
  const [came, setCame] = useState(false);
  const got = useRef(false);
  useEffect(() => {
    if (stream) setLast(stream);
  }, [stream]);
  const known = stream ?? last;
  const may = known ? observed(known) : true;
  // No event comes of what has ended; its text may still be there. Each look leaves a line in the log, so there is one only.
  const { data: text, error } = useFetched(known ? null : `exchanges/${encodeURIComponent(id)}/text`);
  useEffect(() => {
    if (text && !got.current) logs.set(text);
    if (text && (text.ended ?? !stream)) logs.ended.value ??= text.outcome ?? "ended";
  }, [text]);
  useLive(may && !logs.ended.value ? `text:${id}` : null, event => {
    if (!event || event.kind === "reset") return;
    if (!came && event.kind !== "refused") setCame(true);
    if (event.kind === "snapshot") {
      got.current = true;
      logs.set(event.text);
    } else if (event.kind === "phase") {
      logs.phase.value = event.phase;
      announce(event.phase === "answering" ? "the answer began" : event.phase);
    } else if (event.kind === "refused") {
      setHidden({ status: event.status, message: event.message });
    } else if (event.kind === "lost") {
      setLeftOut(before => before + (event.bytes ?? 0));
    } else if (event.kind === "error") {
      logs.add("content", `\n\n${event.text}\n`);
    } else if (event.kind === "end") {
      logs.ended.value = event.outcome ?? "ended";
      logs.end();
      announce(`the stream ended: ${event.outcome}`, true);
    } else {
      got.current = true;
      logs.add(event.kind, event.text, event.block);
      if (event.kind === "reasoning") announce(`thinking, ${count(logs.reasoning.total)} characters`);
    }
  });
  useEffect(() => {
    if (error) setHidden(error);
  }, [error]);
  useKeys({
    space: () => setFollow(before => !before),
    r: () => setFolded(before => !before),
  });
  const phase = logs.ended.value ? null : logs.phase.value ?? known?.phase;
  const denied = known && !may;
  const onlyReasoning = String(known?.observe ?? "").toLowerCase() === "reasoning";
  const gone = !known && !came && hidden?.status === 404;
  return html`<section class="card watch" aria-label="one stream">
    <header class="watch-head">
      <div><h2>${known ? clipped(known.model, 80) : html`<code>${clipped(id, 60)}</code>`}</h2>
        <p class="sub">${logs.ended.value ? html`<span class="phase ended">■ ${logs.ended.value}</span>` : phase ? html`<${Phase} phase=${phase} />` : null}
          ${known ? html` <span class="number">${span((logs.ended.value ? known.last_byte_unix_ms ?? now : now) - known.begun_unix_ms)}</span>` : null}
          ${known?.route ? html` · ${bare(known.route)}` : null}${known?.backend ? html` → ${bare(known.backend)}` : null}
          ${known?.caller ? html` · ${visible(known.caller)}` : null}
          ${stream?.last_byte_unix_ms && now - stream.last_byte_unix_ms > 2000 ? html` · <span class="warn">△ silent ${span(now - stream.last_byte_unix_ms)}</span>` : null}</p></div>
      <div class="head-side">
        <div class="segments narrow-only" role="group" aria-label="panes">${[["both", "both"], ["reasoning", "◆"], ["answer", "●"]].map(([name, words]) => html`<button type="button" aria-pressed=${side === name} aria-label=${name} onClick=${() => setSide(name)}>${words}</button>`)}</div>
        <button type="button" class="quiet" aria-pressed=${follow} onClick=${() => setFollow(!follow)} title="space">${follow ? "● following" : "‖ paused"}</button>
        <a class="button quiet" href=${`#/x/${encodeURIComponent(id)}`}>exchange</a>
        <a class="button quiet" href="#/streams" aria-label="close">✕</a>
      </div>
    </header>
    ${denied ? html`<div class="denied"><h3>⊘ Hidden by policy</h3><p>${known.policy ? html`The policy <code>${visible(known.policy)}</code> lets only ${visible(String(known.observe).toLowerCase())} of this stream be seen.` : "No policy lets the text of this stream be seen."}
        A <code>ReasoningPolicy</code> with <code>observe: Reasoning</code> or <code>Everything</code> shows it.</p>
        <${Facts} facts=${[["reasoning", known.reasoning_chars != null && `${count(known.reasoning_chars)} characters`], ["answer", known.content_chars != null && `${count(known.content_chars)} characters`], ["bytes", bytes(known.bytes ?? 0)]]} /></div>`
      : gone ? html`<div class="denied"><p>This stream is over and its text is gone. <a href=${`#/x/${encodeURIComponent(id)}`}>Its exchange</a> may still be known.</p></div>`
      : html`${hidden && hidden.status !== 404 ? html`<${Problem} error=${hidden} />` : null}${leftOut ? html`<p class="faint">△ ${bytes(leftOut)} were left out, because this page was slow</p>` : null}<div class=${`panes ${side} ${folded ? "folded" : ""}`}>
        ${folded ? html`<button type="button" class="unfold" onClick=${() => setFolded(false)}>◆ reasoning, ${count(logs.reasoning.total)} characters (r)</button>` : html`<${Pane} log=${logs.reasoning} kind="reasoning" title="Reasoning" follow=${follow} busy=${phase === "thinking"}
          empty=${phase === "queued" || phase === "called" ? "Waiting for the model." : logs.ended.value ? "It did not reason." : "No reasoning so far."} />`}
        <${Pane} log=${logs.answer} kind="answer" title="Answer" follow=${follow} busy=${phase === "answering" || phase === "tools"}
          empty=${onlyReasoning ? "⊘ Hidden by policy: only the reasoning may be seen." : phase === "thinking" ? "It is still thinking." : logs.ended.value ? "It said nothing." : "No answer so far."} />
      </div>`}
  </section>`;
};
