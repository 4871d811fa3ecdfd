// A pane of text that grows: it follows its end while the reader is there, and shows so many blocks at most.
import { bytes, count, visible } from "./format.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { copy } from "./shell.js";

/** Elements that are shown at once; earlier ones when they are asked for. */
const SHOWN = 240;

const Tool = ({ block, children }) => html`<section class="tool" aria-label=${`call of ${visible(block.name ?? "a tool")}`}>
  <header><span class="glyph" aria-hidden="true">▲</span> calls <code>${visible(block.name ?? "…")}</code></header>
  <div class="arguments">${children}</div>
</section>`;


/** What of a log is shown, from its end. */
const parts = (log, most) => {
  const shown = [];
  let left = most;
  let hidden = 0;
  for (let at = log.blocks.length - 1; at >= 0; at -= 1) {
    const block = log.blocks[at];
    const settled = left > 0 ? block.settled.slice(-left) : [];
    hidden += block.settled.length - settled.length;
    if (left > 0 && (settled.length || block.end || block.kind === "tool")) {
      const inside = [
        ...settled.map(({ key, vnode }) => html`<div class="block" key=${key}>${vnode}</div>`),
        block.end ? html`<div class="block open" key="open">${block.end}</div>` : null,
      ];
      shown.unshift(
        block.kind === "tool"
          ? html`<${Tool} key=${block.key} block=${block}>${inside}</${Tool}>`
          : html`<div class=${`run ${block.kind}`} key=${block.key}>${inside}</div>`,
      );
    }
    left -= settled.length + 1;
  }
  return { shown, hidden };
};

/** A pane over a log. `kind` is `reasoning` or `answer`. */
export const Pane = ({ log, kind, title, empty, busy, follow, actions }) => {
  const [most, setMost] = useState(SHOWN);
  const [below, setBelow] = useState(false);
  const body = useRef(null);
  const sticky = useRef(true);
  const top = useRef(0);
  const version = log.version.value;
  useEffect(() => {
    const element = body.current;
    if (!element) return;
    if (sticky.current && follow !== false) {
      element.scrollTop = element.scrollHeight;
      setBelow(false);
    } else if (element.scrollHeight > element.scrollTop + element.clientHeight + 24) setBelow(true);
  }, [version, follow]);
  const scrolled = () => {
    const element = body.current;
    // Only who scrolls up stops to follow; that text grew below is no reason.
    if (element.scrollHeight - element.scrollTop - element.clientHeight < 32) {
      sticky.current = true;
      setBelow(false);
    } else if (element.scrollTop < top.current - 3) sticky.current = false;
    top.current = element.scrollTop;
  };
  const toEnd = () => {
    sticky.current = true;
    body.current.scrollTop = body.current.scrollHeight;
    setBelow(false);
    body.current.focus();
  };
  const { shown, hidden } = parts(log, most);
  const nothing = !shown.length;
  return html`<section class=${`pane ${kind}`}>
    <header class="pane-head">
      <h3><span class="glyph" aria-hidden="true">${kind === "reasoning" ? "◆" : "●"}</span> ${title}</h3>
      <span class="pane-count">${log.total ? `${count(log.total)} characters` : ""}</span>
      ${actions}
      <button type="button" class="quiet small" disabled=${nothing} onClick=${() => copy(body.current.innerText, title)}>copy</button>
    </header>
    <div class=${`pane-body ${busy ? "busy" : ""}`} ref=${body} role="log" aria-live="off" aria-label=${title} tabindex="0" onScroll=${scrolled}>
      ${log.dropped ? html`<p class="dropped">… ${bytes(log.dropped)} before this are no longer kept</p>` : null}
      ${hidden ? html`<p class="dropped"><button type="button" class="quiet small" onClick=${() => { sticky.current = false; setMost(most + SHOWN); }}>
        show ${count(Math.min(hidden, SHOWN))} of ${count(hidden)} earlier paragraphs</button></p>` : null}
      ${nothing ? html`<p class="empty-pane">${empty}</p>` : shown}
    </div>
    ${below ? html`<button type="button" class="below" onClick=${toEnd}>new text below ↓</button>` : null}
  </section>`;
};

