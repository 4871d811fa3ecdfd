// Numbers, times and foreign text as people read them.
import { remembered } from "./lib.js";

export const utc = remembered("utc", false);

const NONE = "–";
const grouped = new Intl.NumberFormat("en-US");

export const count = number => (number == null ? NONE : grouped.format(number));

/** 1,234 as it is, 12,345 as 12.3k. */
export const short = number => {
  if (number == null || Number.isNaN(number)) return NONE;
  const size = Math.abs(number);
  if (size >= 1e9) return `${(number / 1e9).toFixed(1)}G`;
  if (size >= 1e6) return `${(number / 1e6).toFixed(1)}M`;
  if (size >= 1e4) return `${(number / 1e3).toFixed(1)}k`;
  if (size >= 100 || Number.isInteger(number)) return grouped.format(Math.round(number));
  return number.toFixed(size >= 10 ? 1 : 2);
};

/** Milliseconds: 87 ms, 1.24 s, 2 m 05 s. */
export const span = ms => {
  if (ms == null || Number.isNaN(ms)) return NONE;
  if (ms === 0) return "0 ms";
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
  return `${Math.floor(minutes / 1440)} d`;
};

/** US dollars from a decimal text or a number; small amounts keep their digits. */
export const usd = amount => {
  if (amount == null || amount === "") return NONE;
  const number = Number(amount);
  if (Number.isNaN(number)) return String(amount);
  if (number === 0) return "$0";
  if (number >= 1) return `$${number.toFixed(2)}`;
  if (number >= 0.01) return `$${number.toFixed(4)}`;
  return `$${number.toFixed(6)}`;
};

export const bytes = number => {
  if (number == null) return NONE;
  if (number < 1024) return `${number} B`;
  if (number < 1 << 20) return `${(number / 1024).toFixed(1)} KiB`;
  return `${(number / (1 << 20)).toFixed(1)} MiB`;
};

export const percent = share => (share == null || Number.isNaN(share) ? NONE : `${(share * 100).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`);

const two = number => String(number).padStart(2, "0");

/** The time of day, in the zone that is chosen. */
export const clock = unixMs => {
  if (unixMs == null) return NONE;
  const date = new Date(unixMs);
  return utc.value
    ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

export const moment = unixMs => {
  if (unixMs == null) return NONE;
  const date = new Date(unixMs);
  return utc.value
    ? `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`
    : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(unixMs)}`;
};

export const ago = (unixMs, now = Date.now()) => {
  if (unixMs == null) return NONE;
  const ms = now - unixMs;
  return ms < 1500 ? "just now" : `${span(ms - (ms % 1000))} ago`;
};

// Characters that are not seen, or that turn the order of what is read, as names in place of themselves.
const NAMES = {
  "\u00ad": "SHY", "\u061c": "ALM", "\u180e": "MVS", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200e": "LRM", "\u200f": "RLM",
  "\u2028": "LSEP", "\u2029": "PSEP", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
  "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
};
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

const picture = found => {
  const code = found.codePointAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `⟦${NAMES[found] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`}⟧`;
};

/** Text of a stranger: control characters and those that turn the order of writing are shown as pictures. */
export const visible = text => String(text ?? "").replace(/\r\n?/g, "\n").replace(UNSEEN, picture);

/** A part of a text that may be long. */
export const clipped = (text, most) => {
  const shown = visible(text);
  return shown.length > most ? `${shown.slice(0, most)}…` : shown;
};

/** A word for a shell, quoted. */
export const quoted = text => `'${String(text).replaceAll("'", `'\\''`)}'`;
