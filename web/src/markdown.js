// What a model says, as elements: marked's lexer reads it, and a closed table makes an element of each kind of token.
// No text becomes markup, nothing is loaded, and what is in no table is shown as it was written.
import { Lexer } from "marked";
import { visible } from "./format.js";
import { html } from "./lib.js";

/** Below so many quotes or lists in one another, text is shown as it was written. */
const DEEPEST = 16;
/** Inline marks are read in paragraphs of so many characters at most. */
const LONGEST_INLINE = 4096;

const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){10,}/m;

const options = { gfm: true, breaks: false, pedantic: false };

/** The blocks of a text; nothing where it is not worth reading as Markdown. */
export const blocksOf = text => {
  if (TOO_DEEP.test(text)) return null;
  try {
    const lexer = new Lexer({ ...options });
    const tokens = lexer.blockTokens(text, []);
    for (const { src, tokens: into } of lexer.inlineQueue) {
      if (src.length > LONGEST_INLINE) into.push({ type: "text", raw: src, text: src });
      else lexer.inlineTokens(src, into);
    }
    lexer.inlineQueue = [];
    return tokens;
  } catch {
    return null;
  }
};

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", nbsp: "\u00a0" };
const plain = text => visible(text).replace(/&(amp|lt|gt|quot|apos|#39|nbsp);/g, (_, name) => ENTITIES[name]);

const asWritten = token => visible(token.raw ?? token.text ?? "");

/** A link only where it leads to the web or to a mailbox. */
const safe = address => {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
};

const link = (token, depth) => {
  const href = safe(token.href);
  if (!href) return asWritten(token);
  const same = token.text === token.href || token.text === href;
  const anchor = html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${
    same ? visible(token.href) : inlines(token.tokens, depth)
  }</a>`;
  return same ? anchor : html`${anchor} <span class="address">${visible(href)}</span>`;
};

const INLINE = {
  text: (token, depth) => (token.tokens ? inlines(token.tokens, depth) : plain(token.text)),
  escape: token => visible(token.text),
  strong: (token, depth) => html`<strong>${inlines(token.tokens, depth)}</strong>`,
  em: (token, depth) => html`<em>${inlines(token.tokens, depth)}</em>`,
  del: (token, depth) => html`<del>${inlines(token.tokens, depth)}</del>`,
  codespan: token => html`<code>${visible(token.text)}</code>`,
  br: () => html`<br />`,
  link,
  image: token => html`<span class="image" title="Images are not loaded">▧ ${visible(token.text || "image")} <span class="address">${visible(token.href)}</span></span>`,
};

const inlines = (tokens, depth) =>
  (tokens ?? []).map(token => (depth < DEEPEST && INLINE[token.type] ? INLINE[token.type](token, depth + 1) : asWritten(token)));

const cell = (part, depth, Tag) => html`<${Tag} class=${part.align ? `to-${part.align}` : null}>${inlines(part.tokens, depth)}</${Tag}>`;

const HEADINGS = ["h3", "h4", "h5", "h6", "h6", "h6"];

const BLOCK = {
  space: () => null,
  hr: () => html`<hr />`,
  heading: (token, depth) => html`<div class=${`heading ${HEADINGS[token.depth - 1] ?? "h6"}`}>${inlines(token.tokens, depth)}</div>`,
  paragraph: (token, depth) => html`<p>${inlines(token.tokens, depth)}</p>`,
  text: (token, depth) => (token.tokens ? html`<span>${inlines(token.tokens, depth)}</span>` : plain(token.text)),
  code: token => html`<pre class="code" data-lang=${visible(token.lang ?? "").slice(0, 24) || null}><code>${visible(token.text)}</code></pre>`,
  blockquote: (token, depth) => html`<blockquote>${blocks(token.tokens, depth)}</blockquote>`,
  list: (token, depth) => {
    const items = token.items.map(
      item => html`<li>${item.task ? (item.checked ? "☑ " : "☐ ") : null}${blocks(item.tokens.filter(part => part.type !== "checkbox"), depth)}</li>`,
    );
    return token.ordered ? html`<ol start=${token.start || 1}>${items}</ol>` : html`<ul>${items}</ul>`;
  },
  table: (token, depth) => html`<div class="table-scroll"><table>
    <thead><tr>${token.header.map(part => cell(part, depth, "th"))}</tr></thead>
    <tbody>${token.rows.map(row => html`<tr>${row.map(part => cell(part, depth, "td"))}</tr>`)}</tbody>
  </table></div>`,
};

const blocks = (tokens, depth) =>
  tokens.map(token => {
    if (depth >= DEEPEST) return asWritten(token);
    if (BLOCK[token.type]) return BLOCK[token.type](token, depth + 1);
    if (INLINE[token.type]) return INLINE[token.type](token, depth + 1);
    return html`<p class="as-written">${asWritten(token)}</p>`;
  });

/** The element of one block. */
export const element = token => blocks([token], 0)[0];

/** Text as it was written, in lines. */
export const written = text => html`<div class="as-written">${visible(text)}</div>`;
