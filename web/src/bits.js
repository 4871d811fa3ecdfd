// Small things that several views show: outcomes, phases, attempts, tokens.
import { count, short, span, usd, visible } from "./format.js";
import { html } from "./lib.js";

const OUTCOMES = { answered: ["✓", "good"], failed: ["✗", "bad"], abandoned: ["⊘", "gone"] };

export const Outcome = ({ row }) => {
  const [glyph, tone] = OUTCOMES[row.outcome] ?? ["?", "gone"];
  return html`<span class=${`outcome ${tone}`}><span aria-hidden="true">${glyph}</span> ${row.outcome}${
    row.outcome !== "answered" || (row.status && row.status !== 200) ? html` <span class="status">${row.status}</span>` : null
  }</span>`;
};

export const PHASES = {
  queued: ["◌", "queued"],
  called: ["◔", "called"],
  thinking: ["◆", "thinking"],
  answering: ["●", "answering"],
  tools: ["▲", "calling tools"],
  draining: ["▽", "draining"],
};

export const Phase = ({ phase }) => {
  const [glyph, words] = PHASES[phase] ?? ["·", phase];
  return html`<span class=${`phase ${phase}`}><span aria-hidden="true">${glyph}</span> ${words}</span>`;
};

const bare = name => visible(String(name ?? "").replace(/^default\//, ""));

const DIALECTS = { openai_chat: "chat", openai_responses: "responses", anthropic_messages: "messages" };

/** The short name of what a client speaks. */
export const dialect = name => DIALECTS[name] ?? name;

// How an attempt ended: with an answer, still open, given up because it was not needed, or badly.
const RESULTS = { answered: ["✓", "good"], open: ["…", "gone"], hedge_lost: ["⊘", "gone"], abandoned: ["⊘", "gone"], amended: ["↻", "warn"] };

/** `A ✗429 → B ✓`, in words for who hears it. */
export const Attempts = ({ attempts }) => {
  if (!attempts?.length) return html`<span class="faint">none</span>`;
  return html`<span class="attempts">${attempts.map((attempt, at) => {
    const [mark, tone] = RESULTS[attempt.result] ?? ["✗", "bad"];
    return html`${at ? html`<span class="arrow" aria-label="then"> → </span>` : null}<span class="attempt"><span class="name">${bare(attempt.backend)}</span> <span
      class=${tone} title=${attempt.result}>${mark}${tone === "good" || !attempt.status || attempt.status === 200 ? "" : attempt.status}</span></span>`;
  })}</span>`;
};

export const TOKEN_KINDS = [
  ["input", "fresh input"],
  ["cache_read", "read from the cache"],
  ["cache_write", "written to the cache"],
  ["reasoning", "reasoning"],
  ["answer", "answer"],
];

/** The parts of tokens, none of them within another. */
export const tokenParts = tokens => {
  const reasoning = tokens.reasoning ?? 0;
  return {
    input: tokens.input ?? 0,
    cache_read: tokens.cache_read ?? 0,
    cache_write: tokens.cache_write ?? 0,
    reasoning,
    answer: Math.max(0, (tokens.output ?? 0) - reasoning),
  };
};

/** A bar of two halves, prompt and answer, each split into its kinds. */
export const TokenBar = ({ tokens, wide }) => {
  if (!tokens) return html`<span class="faint">unknown</span>`;
  const parts = tokenParts(tokens);
  const prompt = parts.input + parts.cache_read + parts.cache_write;
  const output = parts.reasoning + parts.answer;
  const words = TOKEN_KINDS.filter(([kind]) => parts[kind]).map(([kind, name]) => `${count(parts[kind])} ${name}`).join(", ");
  const total = Math.max(prompt + output, 1);
  let at = 0;
  const gap = wide ? 0.6 : 2;
  const bars = TOKEN_KINDS.filter(([kind]) => parts[kind]).map(([kind]) => {
    const width = Math.max((parts[kind] / total) * (100 - gap), 1.5);
    if (kind === "reasoning" || (kind === "answer" && !parts.reasoning)) at += gap;
    const bar = html`<rect class=${`fill-${kind}`} x=${at} y="0" width=${width} height="8" />`;
    at += width;
    return bar;
  });
  return html`<span class="token-bar" title=${words}>
    <svg viewBox=${`0 0 ${Math.max(at, 100)} 8`} preserveAspectRatio="none" role="img" aria-label=${words || "no tokens"}>${bars}</svg>
    ${wide ? null : html`<span class="numbers"><span>${short(prompt)}</span><span aria-hidden="true"> → </span><span>${short(output)}</span></span>`}
  </span>`;
};

// Kinds that are told by a pattern too; the timeline defines them.
const HATCHED = { queue: "url(#hatch)", lost: "url(#cross)" };

export const Legend = ({ kinds, values }) => html`<ul class="legend">${kinds.map(
  ([kind, name]) => html`<li><svg width="10" height="10" aria-hidden="true"><rect class=${`fill-${kind}`} width="10" height="10" rx="2" fill=${HATCHED[kind] ?? null} /></svg> ${name}${
    values ? html` <strong>${count(values[kind])}</strong>` : null
  }</li>`,
)}</ul>`;

export const Cost = ({ row }) =>
  row.cost_usd != null
    ? html`<span class="number">${usd(row.cost_usd)}</span>`
    : row.estimated_cost_usd != null
      ? html`<span class="number faint" title="estimated">≈ ${usd(row.estimated_cost_usd)}</span>`
      : html`<span class="faint" title="not known">?</span>`;

/** A definition list of what has a value. */
export const Facts = ({ facts }) => html`<dl class="facts">${facts
  .filter(([, value]) => value != null && value !== "" && value !== false)
  .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

export { bare, span };
