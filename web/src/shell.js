// What stands around every view: places, theme, messages, help, and the question for a token.
import { API, post, readSession, session } from "./api.js";
import { ago, moment, utc } from "./format.js";
import { PLACES, keysOn, useKeys } from "./keys.js";
import { effect, html, remembered, signal, useEffect, useRef, useState } from "./lib.js";
import { liveState, lost, paused } from "./live.js";
import { go, route } from "./route.js";

export const theme = remembered("theme", "auto");
/** Changes with every change of the colours, which canvases must follow. */
export const colours = signal(0);

effect(() => {
  const chosen = theme.value;
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  colours.value = colours.peek() + 1;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colours.value += 1;
});

const THEMES = { auto: ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] };
export const nextTheme = () => {
  const names = Object.keys(THEMES);
  theme.value = names[(names.indexOf(theme.value) + 1) % names.length];
  announce(`theme: ${THEMES[theme.value][1]}`, true);
};

// What is told to a screen reader, every five seconds at most, so that a stream does not flood it.
const polite = signal("");
let pending = null;
let spoke = 0;
export const announce = (text, now = false) => {
  pending = text;
  const speak = () => {
    if (pending == null) return;
    polite.value = pending;
    pending = null;
    spoke = Date.now();
  };
  const wait = now ? 0 : Math.max(0, spoke + 5000 - Date.now());
  if (wait === 0) speak();
  else setTimeout(speak, wait);
};

const toast = signal(null);
let hiding = null;
export const say = text => {
  toast.value = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    toast.value = null;
  }, 2600);
  announce(text, true);
};

export const copy = async (text, what = "") => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without a secure context there is no clipboard: the old way.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "offscreen";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  say(`copied${what ? `: ${what}` : ""}`);
};

const download = (name, type, text) => {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
};
export { download };

const ICONS = {
  n: "M3 12h4l2.5-7 4 14 2.5-7H21",
  s: "M4 7c3-3 5 3 8 0s5 3 8 0M4 12c3-3 5 3 8 0s5 3 8 0M4 17c3-3 5 3 8 0s5 3 8 0",
  x: "M4 6h16M4 12h16M4 18h10",
  b: "M5 6h5v5H5zM14 13h5v5h-5zM10 8.5h3.5a3 3 0 0 1 3 3V13",
  c: "M5 7h14M5 12h14M5 17h14M9 5v4M15 10v4M8 15v4",
  m: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  p: "M5 5h14v10H10l-5 4z",
  u: "M8 8l-4 4 4 4M16 8l4 4-4 4M13.5 5l-3 14",
};

export const Icon = ({ path }) => html`<svg class="icon" viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${path} /></svg>`;

const Place = ({ name, active, children }) => {
  const [path, title] = PLACES[name];
  return html`<li><a href=${path} class="place" aria-current=${active ? "page" : null} title=${`g ${name}`}>
    <${Icon} path=${ICONS[name]} /><span>${children ?? title}</span></a></li>`;
};

const placeOf = first => ({ "": "n", streams: "s", exchanges: "x", x: "x", routing: "b", config: "c", models: "m", play: "p", setup: "u" })[first ?? ""];

const LIVE = { off: ["○", "no live data here"], connecting: ["◌", "connecting"], live: ["●", "live"], waiting: ["△", "no connection, trying again"], paused: ["‖", "paused"] };

const LiveMark = () => {
  const [glyph, words] = LIVE[liveState.value];
  if (liveState.value === "off" && !paused.value) return null;
  return html`<button type="button" class=${`live-mark ${liveState.value}`} aria-pressed=${paused.value} title=${`${words} (space)`}
    onClick=${() => { paused.value = !paused.value; }}><span aria-hidden="true">${glyph}</span> ${words}${lost.value ? `, ${lost.value} left out` : ""}</button>`;
};

const helping = signal(false);

const HELP = [
  ["?", "this help"],
  ["g, then a letter", Object.entries(PLACES).map(([key, [, title]]) => `${key} ${title}`).join(" · ")],
  ["j, k", "next and previous row"],
  ["Enter", "open the row"],
  ["Esc", "back, or leave a field"],
  ["/", "the filter or the search"],
  ["space", "pause and go on; in a stream: follow"],
  ["r", "fold and unfold reasoning"],
  ["t", "theme: system, light, dark"],
];

const Help = () => {
  const dialog = useRef(null);
  useEffect(() => {
    if (helping.value && !dialog.current.open) dialog.current.showModal();
    if (!helping.value && dialog.current.open) dialog.current.close();
  }, [helping.value]);
  return html`<dialog ref=${dialog} class="help" aria-labelledby="help-title" onClose=${() => { helping.value = false; }}>
    <header><h2 id="help-title">Keys</h2><button type="button" class="quiet" onClick=${() => { helping.value = false; }}>close</button></header>
    <dl>${HELP.map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${keysOn.value} onChange=${event => { keysOn.value = event.target.checked; }} /> single-letter keys</label>
    <label class="check"><input type="checkbox" checked=${utc.value} onChange=${event => { utc.value = event.target.checked; }} /> times in UTC</label>
    <p class="faint">The same as text for scripts: <code>${API}</code> · <a href="assets/THIRD_PARTY.txt">licences</a></p>
  </dialog>`;
};

const More = ({ active }) => {
  const details = useRef(null);
  const now = route.value;
  useEffect(() => { details.current.open = false; }, [now]);
  const inside = ["b", "c", "m", "u"].includes(active);
  return html`<li><details class="more" ref=${details}><summary class="place" data-active=${inside || null}><${Icon} path="M5 12h.01M12 12h.01M19 12h.01" /><span>More</span></summary>
    <ul>${["b", "c", "m", "u"].map(name => html`<${Place} name=${name} active=${active === name} />`)}</ul></details></li>`;
};

export const Drop = () => html`<svg class="drop" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path class="drop-fill" d="M12 2.5c3.6 4.4 6.5 7.9 6.5 11.6A6.5 6.5 0 0 1 5.5 14.100C5.5 10.400 8.400 6.900 12 2.500z"/><path class="drop-line" d="M7.800 14.600c1.400-1.300 2.800 1.300 4.200 0s2.800 1.300 4.200 0" fill="none" stroke-width="1.600" stroke-linecap="round"/></svg>`;

export const Shell = ({ children, title }) => {
  const active = placeOf(route.value.parts[0]);
  useKeys({
    "?": () => { helping.value = !helping.value; },
    t: nextTheme,
    space: () => { paused.value = !paused.value; },
  });
  useEffect(() => { document.title = `${title} · Aquifer`; }, [title]);
  const [glyph, words] = THEMES[theme.value];
  return html`<div class="shell">
    <a class="skip" href="#main" onClick=${event => { event.preventDefault(); document.getElementById("main").focus(); }}>to the content</a>
    <header class="top">
      <a class="brand" href="#/"><${Drop} /><span>Aquifer</span></a>
      <nav class="side" aria-label="places"><ul>${Object.keys(PLACES).map(name => html`<${Place} name=${name} active=${active === name} />`)}</ul></nav>
      <div class="tools">
        <${LiveMark} />
        <button type="button" class="quiet tool-button" onClick=${nextTheme} title="theme (t)" aria-label=${`theme: ${words}`}><span aria-hidden="true">${glyph}</span></button>
        <button type="button" class="quiet tool-button" onClick=${() => { helping.value = true; }} title="keys (?)" aria-label="keys and settings"><span aria-hidden="true">?</span></button>
        ${session.value?.version ? html`<span class="version faint">${session.value.version}</span>` : null}
      </div>
    </header>
    <main id="main" tabindex="-1">${children}</main>
    <nav class="bottom" aria-label="places, short"><ul>
      ${["n", "s", "x", "p"].map(name => html`<${Place} name=${name} active=${active === name}>${name === "p" ? "Play" : PLACES[name][1]}</${Place}>`)}
      <${More} active=${active} />
    </ul></nav>
    <${Help} />
    <div class="toast-place">${toast.value ? html`<div class="toast">${toast.value}</div>` : null}</div>
    <div class="offscreen" role="status" aria-live="polite">${polite.value}</div>
  </div>`;
};

export const Login = () => {
  const [token, setToken] = useState("");
  const [error, setError] = useState(null);
  const submit = async event => {
    event.preventDefault();
    try {
      await post("session", { token: token.trim() });
      setError(null);
      await readSession();
    } catch (problem) {
      setError(problem.status === 401 ? "This is not the token." : problem.message);
    }
  };
  return html`<main class="login"><form onSubmit=${submit}>
    <h1><${Drop} /> Aquifer</h1>
    <p>This listener asks for its token. It was printed as a link when the gateway started, or is in the file of <code>--admin-token-file</code>.</p>
    <label>Token<input type="password" autocomplete="current-password" value=${token} onInput=${event => setToken(event.target.value)} required /></label>
    ${error ? html`<p class="wrong" role="alert">△ ${error}</p>` : null}
    <button type="submit" class="primary">Open</button>
  </form></main>`;
};

/** A heading with what belongs beside it. */
export const Head = ({ title, children, sub }) => html`<div class="head"><div><h1>${title}</h1>${sub ? html`<p class="sub">${sub}</p>` : null}</div><div class="head-side">${children}</div></div>`;

/** What could not be had, and why. */
export const Problem = ({ error, reload }) =>
  error ? html`<div class="problem" role="alert"><strong>△ ${error.status ? `${error.status} ` : ""}</strong>${error.message}
    ${reload ? html` <button type="button" class="quiet small" onClick=${reload}>try again</button>` : null}</div>` : null;

export const Loading = () => html`<p class="loading faint" aria-busy="true">…</p>`;

/** A time, relative, with the absolute one behind it. */
export const When = ({ at, now }) => html`<time datetime=${at ? new Date(at).toISOString() : null} title=${moment(at)}>${ago(at, now)}</time>`;

/** Code to copy. */
export const Snippet = ({ text, label }) => html`<div class="snippet"><pre tabindex="0" aria-label=${label ?? "code"}><code>${text}</code></pre>
  <button type="button" class="quiet small" onClick=${() => copy(text, label)}>copy</button></div>`;

export const back = () => {
  if (history.length > 1) history.back();
  else go("#/");
};
