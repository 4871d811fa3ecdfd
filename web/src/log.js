// The text of an exchange while it grows: bounded, and read again only at its open end.
import { signal } from "./lib.js";
import { blocksOf, element, written } from "./markdown.js";

/** Characters that a pane keeps, the newest. */
const MOST = 65_536;
/** Characters of a block's open end; what is longer is shown as it was written. */
const MOST_OPEN = 8192;
/** Milliseconds; a long open end that takes longer to read, more than once, is shown as it was written. */
const TOO_SLOW = 40;

let serial = 0;

/** A block: what is settled of it as elements, and its open end as text. */
const newBlock = (kind, name) => ({ key: ++serial, kind, name, settled: [], open: "", end: null, plain: kind === "tool", seen: true });

const settle = (block, vnode, length) => block.settled.push({ key: ++serial, vnode, length });

const settlePlain = block => {
  if (!block.open) return;
  settle(block, written(block.open), block.open.length);
  block.open = "";
};

/** Moves what will not change any more from the open end to what is settled. */
const advance = block => {
  block.seen = true;
  if (block.plain) {
    while (block.open.length > MOST_OPEN) {
      const part = block.open.slice(0, MOST_OPEN);
      settle(block, written(part), part.length);
      block.open = block.open.slice(MOST_OPEN);
    }
    block.end = block.open ? written(block.open) : null;
    return;
  }
  // A very long open end is cut before it is read.
  while (block.open.length > 4 * MOST_OPEN) {
    const part = block.open.slice(0, MOST_OPEN);
    settle(block, written(part), part.length);
    block.open = block.open.slice(MOST_OPEN);
  }
  const began = performance.now();
  const tokens = blocksOf(block.open);
  if (performance.now() - began > TOO_SLOW && block.open.length > MOST_OPEN / 4) block.slow = (block.slow ?? 0) + 1;
  if (!tokens || block.slow > 2) {
    block.end = written(block.open);
    if (block.open.length > MOST_OPEN / 4) settlePlain(block), (block.end = null);
    return;
  }
  let last = tokens.length - 1;
  while (last > 0 && tokens[last].type === "space") last -= 1;
  for (const token of tokens.slice(0, Math.max(last, 0))) {
    if (token.type !== "space") settle(block, element(token), token.raw.length);
    block.open = block.open.slice(token.raw.length);
  }
  const open = tokens[last];
  if (!open || open.type === "space") {
    block.end = null;
    return;
  }
  if (open.type === "list" && open.items.length > 24) {
    const all = open.items;
    const most = { ...open, items: all.slice(0, -1) };
    const length = most.items.reduce((sum, item) => sum + item.raw.length, 0);
    settle(block, element(most), length);
    block.open = block.open.slice(length);
    block.end = element({ ...open, items: all.slice(-1), start: open.ordered ? Number(open.start || 1) + all.length - 1 : "" });
    return;
  }
  if (block.open.length > MOST_OPEN) {
    const fence = open.type === "code" && /^ {0,3}(`{3,}|~{3,})[^\n]*\n/.exec(block.open);
    const cut = block.open.lastIndexOf("\n") + 1;
    if (fence && cut > fence[0].length) {
      settle(block, element({ ...open, text: block.open.slice(fence[0].length, cut - 1) }), cut);
      block.open = fence[0] + block.open.slice(cut);
      block.end = block.open.length > fence[0].length ? element({ ...open, text: block.open.slice(fence[0].length) }) : null;
      return;
    }
    settlePlain(block);
    block.end = null;
    return;
  }
  block.end = element(open);
};

/** Nothing comes behind it any more. */
const finish = block => {
  advance(block);
  if (block.end) settle(block, block.end, block.open.length);
  block.open = "";
  block.end = null;
  block.finished = true;
};

/** The text of one pane. */
export class Log {
  constructor() {
    this.blocks = [];
    this.dropped = 0;
    this.length = 0;
    this.total = 0;
    /** Changes with what is to be shown. */
    this.version = signal(0);
    this.frame = null;
  }

  append(kind, text, name) {
    let last = this.blocks.at(-1);
    if (!last || last.finished || last.kind !== kind || name !== undefined) {
      if (last && !last.finished) finish(last);
      last = newBlock(kind, name);
      this.blocks.push(last);
    }
    // The newest is kept: of a huge piece only its end.
    let piece = String(text ?? "").replace(/\r\n?/g, "\n");
    this.total += piece.length;
    if (piece.length > MOST) {
      this.dropped += piece.length - MOST;
      piece = piece.slice(-MOST);
    }
    last.open += piece;
    this.length += piece.length;
    last.seen = false;
    this.draw();
  }

  /** The last block ends; the next text begins another. */
  end() {
    const last = this.blocks.at(-1);
    if (last && !last.finished) finish(last);
    this.draw();
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      for (const block of this.blocks) if (!block.seen) advance(block);
      this.trim();
      this.version.value += 1;
    });
  }

  trim() {
    while (this.length > MOST && this.blocks.length) {
      const first = this.blocks[0];
      const gone = first.settled.shift();
      if (gone) {
        this.forget(gone.length);
      } else if (this.blocks.length > 1) {
        this.forget(first.open.length);
        this.blocks.shift();
      } else {
        const excess = this.length - MOST;
        first.open = first.open.slice(excess);
        this.forget(excess);
        advance(first);
        break;
      }
    }
  }

  forget(length) {
    this.length -= length;
    this.dropped += length;
  }

  clear() {
    this.blocks = [];
    this.dropped = 0;
    this.length = 0;
    this.total = 0;
    this.draw();
  }
}

/** Both panes of an exchange: what it thinks, and what it says and calls. */
export class Logs {
  constructor() {
    this.reasoning = new Log();
    this.answer = new Log();
    this.phase = signal(null);
    this.ended = signal(null);
  }

  clear() {
    this.reasoning.clear();
    this.answer.clear();
    this.ended.value = null;
    this.last = null;
    this.block = null;
  }

  /** A piece of text as it arrives; `block` tells calls of tools apart. */
  add(kind, text, block) {
    // Thoughts that come behind an answer are a block of their own.
    if (kind === "reasoning" && this.last !== kind) this.reasoning.end();
    if (kind === "content" && this.last !== kind && this.answer.blocks.at(-1)?.kind === "tool") this.answer.end();
    this.last = kind;
    if (kind === "reasoning") this.reasoning.append("reasoning", text);
    else if (kind === "content") this.answer.append("content", text);
    else if (kind === "tool_name") this.answer.append("tool", "", text);
    else if (kind === "tool_arguments") this.answer.append("tool", text, block != null && this.block != null && block !== this.block ? "tool" : undefined);
    if (kind === "tool_name" || kind === "tool_arguments") this.block = block;
  }

  /** All that is known of an exchange's text so far. */
  set(text) {
    this.clear();
    this.reasoning.dropped = text.reasoning?.dropped_bytes ?? 0;
    this.answer.dropped = text.content?.dropped_bytes ?? 0;
    let calls = 0;
    if (text.blocks?.length) {
      for (const block of text.blocks) {
        if (block.kind === "tool") {
          const tool = text.tools?.[block.call ?? calls++];
          this.answer.append("tool", tool?.arguments ?? block.text, tool?.name ?? "tool");
        } else if (block.kind === "reasoning") {
          this.reasoning.end();
          this.reasoning.append("reasoning", block.text);
        } else {
          this.answer.end();
          this.answer.append("content", block.text);
        }
      }
      // What comes next goes on with the last block.
      this.last = text.blocks.at(-1).kind;
      return;
    }
    if (text.reasoning?.text) this.reasoning.append("reasoning", text.reasoning.text);
    if (text.content?.text) this.answer.append("content", text.content.text);
    for (const tool of text.tools ?? []) this.answer.append("tool", tool.arguments, tool.name);
    this.last = text.tools?.length ? "tool" : text.content?.text ? "content" : "reasoning";
  }

  end() {
    this.reasoning.end();
    this.answer.end();
  }
}
