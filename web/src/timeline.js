// The picture of an exchange's time: a lane for each attempt, and marks for what came first.
import { Legend, bare } from "./bits.js";
import { span } from "./format.js";
import { html, useWidth } from "./lib.js";

const LANE = 34;
const HEAD = 30;

const PARTS = [
  ["queue", "queue, back-off"],
  ["wait", "waits for the first byte"],
  ["thinking", "thinking"],
  ["answering", "answering"],
  ["lost", "ended without an answer"],
];

const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000];

/** What an attempt did, one part behind the other. */
export const partsOf = (exchange, attempt, end) => {
  const sent = attempt.sent_ms ?? attempt.started_ms;
  const ended = attempt.ended_ms ?? end;
  const parts = [];
  const add = (kind, from, to) => {
    if (from != null && to != null && to > from) parts.push({ kind, from, to });
  };
  add("queue", attempt.started_ms, sent);
  const won = ["answered", "ok", "won"].includes(attempt.result) || (attempt.first_byte_ms != null && attempt === exchange.attempts.at(-1) && exchange.first_content_ms != null);
  if (!won) {
    add("wait", sent, attempt.first_byte_ms ?? ended);
    add("lost", attempt.first_byte_ms, ended);
    return parts;
  }
  const thinks = exchange.first_reasoning_ms;
  const says = exchange.first_content_ms;
  const begins = Math.min(...[thinks, says, ended].filter(value => value != null));
  add("wait", sent, begins);
  if (thinks != null) add("thinking", thinks, Math.min(says ?? ended, ended));
  if (says != null) add("answering", says, ended);
  return parts;
};

const Hatch = () => html`<defs>
  <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6" /><line class="hatch-line" x1="0" x2="0" y1="0" y2="6" stroke-width="2" /></pattern>
  <pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="cross-ground" width="6" height="6" /><line class="cross-line" x1="0" x2="0" y1="0" y2="6" stroke-width="2" /></pattern>
</defs>`;

export const Timeline = ({ exchange }) => {
  const [box, width] = useWidth(0);
  const attempts = exchange.attempts ?? [];
  const end = Math.max(exchange.duration_ms ?? 0, ...attempts.map(attempt => attempt.ended_ms ?? 0), 1);
  const label = width > 700 ? 200 : 0;
  const top = label ? 0 : 16;
  const lane = LANE + top;
  const inner = Math.max(width - label - 12, 40);
  const x = ms => label + (ms / end) * inner;
  const step = steps.find(size => (inner / end) * size >= 72) ?? 600_000;
  const ticks = [];
  for (let at = 0; at <= end; at += step) ticks.push(at);
  const height = HEAD + Math.max(attempts.length, 1) * lane + 26;
  const marks = [
    ["◆", "first reasoning", exchange.first_reasoning_ms, "thinking"],
    ["●", "first content", exchange.first_content_ms, "answering"],
    ["■", "end", exchange.duration_ms, "end"],
  ].filter(mark => mark[2] != null);
  const words = [
    `${span(end)} in all`,
    ...marks.map(([, name, at]) => `${name} after ${span(at)}`),
    ...attempts.map(attempt => `attempt at ${bare(attempt.backend)} from ${span(attempt.started_ms)} to ${span(attempt.ended_ms ?? end)}, ${attempt.result}`),
  ].join("; ");
  const picture = width
    ? html`<svg class="timeline" width=${width} height=${height} role="img" aria-label=${words}>
    <${Hatch} />
    ${ticks.map(at => html`<g><line class="tick" x1=${x(at)} x2=${x(at)} y1=${HEAD - 6} y2=${height - 18} /><text class="tick-text" x=${x(at)} y="14" text-anchor=${at === 0 ? "start" : x(at) > width - 40 ? "end" : "middle"}>${at === 0 ? "0" : span(at)}</text></g>`)}
    ${attempts.map((attempt, at) => {
      const y = HEAD + at * lane + top;
      const before = attempts[at - 1];
      const pause = before?.ended_ms != null && attempt.started_ms - before.ended_ms > 1 ? [before.ended_ms, attempt.started_ms] : null;
      return html`<g>
        <text class="lane-name" x="0" y=${label ? y + 16 : y - 4}>${clip(laneName(attempt), label ? 30 : 44)}</text>
        <rect class="lane" x=${x(0)} y=${y + 2} width=${inner} height="20" rx="3" />
        ${pause ? html`<rect class="part queue" x=${x(pause[0])} y=${y + 2} width=${Math.max(x(pause[1]) - x(pause[0]), 1)} height="20" fill="url(#hatch)"><title>between the attempts: ${span(pause[1] - pause[0])}</title></rect>` : null}
        ${partsOf(exchange, attempt, end).map(part => html`<rect class=${`part ${part.kind}`} x=${x(part.from)} y=${y + 2} width=${Math.max(x(part.to) - x(part.from), 2)} height="20"
          fill=${part.kind === "queue" ? "url(#hatch)" : part.kind === "lost" ? "url(#cross)" : null}><title>${PARTS.find(([kind]) => kind === part.kind)[1]}: ${span(part.to - part.from)}</title></rect>`)}
        ${attempt.status && attempt.status !== 200 ? html`<text class="lane-fault" x=${Math.min(x(attempt.ended_ms ?? end) + 6, width - 44)} y=${y + 16}>✗ ${attempt.status}</text>` : null}
      </g>`;
    })}
    ${marks.map(([glyph, name, at, kind]) => html`<g class=${`mark ${kind}`}><line x1=${x(at)} x2=${x(at)} y1=${HEAD - 4} y2=${height - 18} /><text x=${x(at)} y=${height - 5} text-anchor=${x(at) > width - 20 ? "end" : x(at) < label + 8 ? "start" : "middle"}><title>${name}: ${span(at)}</title>${glyph}</text></g>`)}
  </svg>`
    : null;
  return html`<div class="timeline-box" ref=${box}>${picture}</div>
    <${Legend} kinds=${PARTS} />
    <ul class="legend marks">${marks.map(([glyph, name, at, kind]) => html`<li><span class=${`mark-${kind}`} aria-hidden="true">${glyph}</span> ${name} <strong>${span(at)}</strong></li>`)}</ul>`;
};

const laneName = attempt => {
  const name = bare(attempt.backend);
  return attempt.region && !name.includes(attempt.region) ? `${name} · ${attempt.region}` : name;
};

const clip = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
