// Playground: a chat with one model or two beside each other, reasoning and answer as both stream.
import { call, clientUrl, get, may, useFetched } from "../api.js";
import { Facts } from "../bits.js";
import { CODE } from "../code.js";
import { clipped, count, span, usd, visible } from "../format.js";
import { batch, html, signal, useEffect, useMemo, useRef, useState } from "../lib.js";
import { Logs } from "../log.js";
import { Pane } from "../pane.js";
import { route } from "../route.js";
import { Head, Problem, Snippet, announce, say } from "../shell.js";
import { MODEL } from "./setup.js";

const LARGEST_IMAGE = 5 << 20;

/** What the page keeps while other views are shown. */
const form = signal({ system: "", prompt: "", tools: "", temperature: "", max: "", two: false, images: [] });
const set = change => {
  form.value = { ...form.value, ...change };
};

const newRun = model => ({
  model: signal(model),
  effort: signal(""),
  budget: signal(""),
  /** The conversation so far, as it is sent, and what was sent last. */
  messages: [],
  sent: null,
  /** The turns before this one: what was asked, and what came. */
  past: signal([]),
  asked: signal(null),
  logs: signal(new Logs()),
  state: signal({ busy: false }),
  aborter: null,
});
const runs = [newRun(MODEL), newRun(MODEL)];
runs[0].effort.value = "low";
runs[1].effort.value = "high";

const bareId = id => id.replace(/^(us|eu|apac|global|jp|au|ca|in|us-gov|sa)\./, "");

/** What the catalogue knows of a model. */
const rowOf = (models, id) => {
  const bare = bareId(id.trim());
  const found = models.find(model => model.model === id || model.id === bare || model.model === bare || model.also?.includes(bare));
  return found?.row ?? null;
};

/** The levels that may be asked for, and why others may not. */
const effortsOf = row => {
  if (!row) return { levels: ["none", "low", "medium", "high"], why: "nothing is known of this model" };
  if (row.control === "none") return { levels: [], why: "this model does not reason" };
  if (row.control === "unknown") return { levels: [], why: "how this model is asked is not known" };
  const levels = row.efforts?.length ? row.efforts : row.control === "budget" ? ["low", "medium", "high"] : [];
  return { levels: [...(["impossible", "unknown"].includes(row.off) ? [] : ["none"]), ...levels], why: row.off === "impossible" ? "it always reasons" : null };
};

const reasonsWith = (row, run) => {
  if (run.budget.value) return true;
  if (run.effort.value) return run.effort.value !== "none";
  return row ? row.default !== "off" : false;
};

/** Why a temperature is not sent; null where it may be. */
const noTemperature = (row, run) => {
  if (row?.sampling === "never") return "this model takes none";
  if (row?.sampling === "not_while_reasoning" && reasonsWith(row, run)) return "it excludes reasoning";
  return null;
};

const parsedTools = text => {
  if (!text.trim()) return { tools: null };
  try {
    const value = JSON.parse(text);
    const tools = (Array.isArray(value) ? value : [value]).map(tool => (tool.type ? tool : { type: "function", function: tool }));
    return { tools };
  } catch (error) {
    return { tools: null, error: error.message };
  }
};

const userMessage = (prompt, images) => ({
  role: "user",
  content: images.length ? [...images.map(image => ({ type: "image_url", image_url: { url: image.url } })), { type: "text", text: prompt }] : prompt,
});

const bodyOf = (run, row, messages) => {
  const now = form.value;
  const body = { model: run.model.value.trim(), messages: [...(now.system.trim() ? [{ role: "system", content: now.system }] : []), ...messages], stream: true, stream_options: { include_usage: true } };
  if (run.budget.value) body.thinking = { type: "enabled", budget_tokens: Number(run.budget.value) };
  else if (run.effort.value) body.reasoning_effort = run.effort.value;
  if (now.temperature !== "" && !noTemperature(row, run)) body.temperature = Number(now.temperature);
  if (now.max !== "") body.max_tokens = Number(now.max);
  const { tools } = parsedTools(now.tools);
  if (tools) body.tools = tools;
  return body;
};

const textOf = message => (typeof message.content === "string" ? message.content : message.content.map(part => part.text ?? "▧ image").join(" "));

/** Events of a stream, each as its JSON. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const lines = rest.split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice(5).trim();
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}

const start = async (run, row, messages) => {
  const { state } = run;
  const logs = new Logs();
  const began = performance.now();
  run.aborter = new AbortController();
  const seen = { content: "", details: [], calls: [] };
  if (run.asked.value && run.sent !== messages) run.past.value = [...run.past.value, { asked: run.asked.value, logs: run.logs.value }].slice(-20);
  const last = messages.at(-1);
  batch(() => {
    run.sent = messages;
    run.logs.value = logs;
    run.asked.value = last.role === "tool" ? `results of ${messages.filter(message => message.role === "tool").length} calls` : textOf(last);
    state.value = { busy: true, phase: "called" };
  });
  const change = more => {
    state.value = { ...state.value, ...more };
  };
  const elapsed = () => performance.now() - began;
  try {
    const response = await call("play/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(bodyOf(run, row, messages)),
      signal: run.aborter.signal,
    });
    const warning = response.headers.get("x-aquifer-warning");
    change({ id: response.headers.get("x-request-id"), warnings: warning ? [warning] : [] });
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message ?? "the stream failed");
      if (event.id) change({ id: event.id });
      if (event.usage) change({ usage: event.usage });
      const choice = event.choices?.[0];
      if (!choice) continue;
      const { delta = {} } = choice;
      const thought = delta.reasoning ?? delta.reasoning_content;
      if (thought) {
        if (state.value.firstReasoning == null) change({ firstReasoning: elapsed(), phase: "thinking" });
        logs.add("reasoning", thought);
      }
      for (const detail of delta.reasoning_details ?? []) seen.details.push(detail);
      if (delta.content) {
        if (state.value.firstContent == null) change({ firstContent: elapsed(), phase: "answering" });
        seen.content += delta.content;
        logs.add("content", delta.content);
      }
      for (const part of delta.tool_calls ?? []) {
        const at = part.index ?? 0;
        if (state.value.firstContent == null) change({ firstContent: elapsed() });
        change({ phase: "tools" });
        if (!seen.calls[at]) {
          seen.calls[at] = { id: part.id, type: "function", function: { name: part.function?.name ?? "", arguments: "" } };
          logs.add("tool_name", part.function?.name ?? "tool");
        }
        if (part.function?.arguments) {
          seen.calls[at].function.arguments += part.function.arguments;
          logs.add("tool_arguments", part.function.arguments);
        }
      }
      if (choice.finish_reason) change({ finish: choice.finish_reason });
    }
    announce("the answer is complete", true);
  } catch (error) {
    change({ error: error.name === "AbortError" ? { message: "stopped" } : error });
  }
  logs.end();
  const answer = { role: "assistant", content: seen.content || null };
  const calls = seen.calls.filter(Boolean);
  if (calls.length) answer.tool_calls = calls;
  if (seen.details.length) answer.reasoning_details = seen.details;
  if (seen.content || calls.length) run.messages = [...messages, answer];
  change({ busy: false, phase: null, duration: elapsed(), calls });
  run.aborter = null;
  const { id } = state.value;
  // What it cost is known when its record is written, a moment later.
  for (const wait of [150, 600, 2000]) {
    if (!id) return;
    await new Promise(resolve => setTimeout(resolve, wait));
    if (state.value.busy || state.value.id !== id) return;
    try {
      const exchange = await get(`exchanges/${encodeURIComponent(id)}`);
      change({ cost: exchange.cost_usd, tokens: exchange.tokens, warnings: exchange.warnings?.length ? exchange.warnings : state.value.warnings, known: true });
      return;
    } catch {
      // Not yet there, or not kept.
    }
  }
};

const Effort = ({ run, row }) => {
  const { levels, why } = effortsOf(row);
  const chosen = run.effort.value;
  useEffect(() => {
    if (row && chosen && !levels.includes(chosen)) run.effort.value = "";
  }, [levels.join(), chosen]);
  return html`<fieldset class="effort"><legend>effort${why ? html` <span class="faint">${why}</span>` : null}</legend>
    <div class="segments">${["", ...levels].map(level => html`<button type="button" aria-pressed=${chosen === level} onClick=${() => batch(() => { run.effort.value = level; run.budget.value = ""; })}>${level || "default"}</button>`)}</div>
    ${row?.control === "budget" ? html`<label>budget<input type="number" min=${row.min_budget ?? 1} max=${row.max_budget ?? row.max_output_tokens ?? null} step="1" placeholder=${`from ${row.min_budget ?? 1}`} value=${run.budget.value} onInput=${event => { run.budget.value = event.target.value; }} /></label>` : null}</fieldset>`;
};

const Chooser = ({ run, models, at, two }) => {
  const row = rowOf(models, run.model.value);
  return html`<div class="chooser"><label>model${two ? ` ${at ? "B" : "A"}` : ""}<input list="models" value=${run.model.value} onInput=${event => { run.model.value = event.target.value; }} spellcheck="false" autocomplete="off" /></label>
    <p class="faint under">${row ? `${row.name}${row.max_output_tokens ? `, ${count(row.max_output_tokens)} tokens at most` : ""}` : "not in the catalogue: it is called as it is"}</p>
    <${Effort} run=${run} row=${row} /></div>`;
};

const Drop = ({ images }) => {
  const [over, setOver] = useState(false);
  const take = files => {
    for (const file of files) {
      if (!/^image\/(png|jpeg|gif|webp)$/.test(file.type)) say(`${file.name} is no PNG, JPEG, GIF or WebP`);
      else if (file.size > LARGEST_IMAGE) say(`${file.name} is larger than 5 MiB`);
      else {
        const reader = new FileReader();
        reader.onload = () => set({ images: [...form.value.images, { name: file.name, url: reader.result }].slice(0, 8) });
        reader.readAsDataURL(file);
      }
    }
  };
  return html`<div class=${`drop-zone ${over ? "over" : ""}`} onDragOver=${event => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
      onDrop=${event => { event.preventDefault(); setOver(false); take(event.dataTransfer.files); }}>
    <label class="file">images<span class="faint"> dropped here, or chosen</span><input type="file" accept="image/png,image/jpeg,image/gif,image/webp" multiple onChange=${event => { take(event.target.files); event.target.value = ""; }} /></label>
    ${images.length ? html`<ul class="thumbs">${images.map((image, at) => html`<li><img src=${image.url} alt=${image.name} width="48" height="48" /><button type="button" class="quiet small" aria-label=${`remove ${image.name}`} onClick=${() => set({ images: images.filter((_, other) => other !== at) })}>✕</button></li>`)}</ul>` : null}</div>`;
};

const Outcome = ({ run }) => {
  const state = run.state.value;
  const usage = state.usage;
  if (!state.duration && !usage && !state.error) return null;
  return html`<div class="outcome-box"><${Problem} error=${state.error} />
    <${Facts} facts=${[
      ["first reasoning", state.firstReasoning != null && html`<span class="ink-reasoning">${span(state.firstReasoning)}</span>`],
      ["first content", state.firstContent != null && html`<span class="ink-answer">${span(state.firstContent)}</span>`],
      ["in all", state.duration && span(state.duration)],
      ["tokens in", usage && count(usage.prompt_tokens)],
      ["tokens out", usage && `${count(usage.completion_tokens)}${usage.completion_tokens_details?.reasoning_tokens ? ` (${count(usage.completion_tokens_details.reasoning_tokens)} reasoning)` : ""}`],
      ["cost", state.known && usd(state.cost)],
      ["ended by", state.finish && state.finish !== "stop" && state.finish],
    ]} />
    ${state.warnings?.length ? html`<ul class="warnings">${state.warnings.map(warning => html`<li>△ ${visible(warning.text ?? warning)}</li>`)}</ul>` : null}
    ${state.known ? html`<a href=${`#/x/${encodeURIComponent(state.id)}`}>its exchange</a>` : null}</div>`;
};

const Results = ({ run, send }) => {
  const calls = run.state.value.calls ?? [];
  const [results, setResults] = useState({});
  if (!calls.length || run.state.value.busy) return null;
  return html`<form class="results" onSubmit=${event => {
    event.preventDefault();
    send([...run.messages, ...calls.map(each => ({ role: "tool", tool_call_id: each.id, content: results[each.id] ?? "" }))]);
    setResults({});
  }}>${calls.map(each => html`<label>result of <code>${visible(each.function.name)}</code><textarea rows="2" value=${results[each.id] ?? ""} onInput=${event => setResults({ ...results, [each.id]: event.target.value })}></textarea></label>`)}
    <button type="submit">Give the results</button></form>`;
};

const Run = ({ run, models, at, two }) => {
  const state = run.state.value;
  const row = rowOf(models, run.model.value);
  const send = messages => start(run, row, messages);
  return html`<section class="run-column" aria-label=${two ? `run ${at ? "B" : "A"}` : "run"}>
    ${two ? html`<header class="run-head"><strong>${at ? "B" : "A"}</strong> <span>${clipped(run.model.value, 48)}</span> <span class="faint">${run.budget.value ? `budget ${run.budget.value}` : run.effort.value || "default"}</span></header>` : null}
    ${run.past.value.map((past, index) => html`<details class="past" key=${index}><summary><span class="faint">you</span> ${clipped(past.asked, 120)}</summary><div class="panes">
      <${Pane} log=${past.logs.reasoning} kind="reasoning" title="Reasoning" follow=${false} empty="It did not reason." /><${Pane} log=${past.logs.answer} kind="answer" title="Answer" follow=${false} empty="It said nothing." /></div></details>`)}
    ${run.asked.value ? html`<p class="asked"><span class="faint">you</span> ${clipped(run.asked.value, 600)}</p>` : null}
    <div class="panes">
      <${Pane} log=${run.logs.value.reasoning} kind="reasoning" title="Reasoning" busy=${state.phase === "thinking"} empty=${state.busy ? "Waiting for the model." : state.duration ? "It did not reason." : "What the model thinks appears here."} />
      <${Pane} log=${run.logs.value.answer} kind="answer" title="Answer" busy=${state.phase === "answering"} empty=${state.busy ? (state.phase === "thinking" ? "It is still thinking." : "Waiting for the model.") : "What the model says appears here."} />
    </div>
    <${Results} run=${run} send=${send} />
    <${Outcome} run=${run} /></section>`;
};

export const Playground = () => {
  const { data } = useFetched("catalogue");
  const models = useMemo(() => (data?.models ?? data ?? []).filter(model => model.row), [data]);
  const asked = route.value.query.get("model");
  useEffect(() => {
    if (asked) runs[0].model.value = asked;
  }, [asked]);
  const now = form.value;
  const active = now.two ? runs : runs.slice(0, 1);
  const busy = active.some(run => run.state.value.busy);
  const tools = parsedTools(now.tools);
  const [language, setLanguage] = useState("curl");
  const [side, setSide] = useState(0);
  const results = useRef(null);
  const no = noTemperature(rowOf(models, runs[0].model.value), runs[0]);
  const run = event => {
    event?.preventDefault();
    if (busy || !now.prompt.trim() || tools.error) return;
    const prompt = now.prompt;
    for (const each of active) start(each, rowOf(models, each.model.value), [...each.messages, userMessage(prompt, now.images)]);
    set({ prompt: "", images: [], last: prompt });
    if (innerWidth < 900) results.current?.scrollIntoView({ block: "start" });
  };
  /** The last question again, with what is chosen now. */
  const again = () => {
    for (const each of active) if (each.sent ?? runs[0].sent) start(each, rowOf(models, each.model.value), each.sent ?? (each.sent = runs[0].sent));
  };
  const clear = () => {
    for (const each of runs) {
      each.aborter?.abort();
      each.messages = [];
      each.sent = null;
      each.past.value = [];
      each.asked.value = null;
      each.logs.value = new Logs();
      each.state.value = { busy: false };
    }
    set({ images: [], prompt: now.prompt || now.last || "" });
  };
  const shownRun = active[Math.min(side, active.length - 1)];
  const shownBody = bodyOf(shownRun, rowOf(models, shownRun.model.value), now.prompt || !shownRun.sent ? [...shownRun.messages, userMessage(now.prompt || "Why is the sky blue?", now.images)] : shownRun.sent);
  const turns = runs[0].messages.filter(message => message.role === "user").length;
  return html`<${Head} title="Playground" sub="Through the gateway’s normal path: policies and limits hold, and what it costs is real.">
      <label class="check"><input type="checkbox" checked=${now.two} onChange=${event => set({ two: event.target.checked })} /> two beside each other</label>
      <button type="button" class="quiet" onClick=${clear} disabled=${!runs[0].asked.value}>new conversation</button>
    </${Head}>
    ${may("play") ? null : html`<div class="problem">⊘ This session may not play: it has no scope <code>play</code>.</div>`}
    <div class=${`play ${now.two ? "two" : ""}`}>
      <form class="card play-form" onSubmit=${run}>
        <datalist id="models">${models.map(model => html`<option value=${model.row.profiles?.length ? `${model.row.profiles.includes("us") ? "us" : model.row.profiles[0]}.${model.model}` : model.model}>${model.row.name}</option>`)}</datalist>
        ${active.map((each, at) => html`<${Chooser} key=${at} run=${each} models=${models} at=${at} two=${now.two} />`)}
        <label>system<textarea rows="2" value=${now.system} onInput=${event => set({ system: event.target.value })} placeholder="You are brief."></textarea></label>
        <label>${turns ? "next message" : "message"}<textarea rows="5" class="prompt" value=${now.prompt} onInput=${event => set({ prompt: event.target.value })} placeholder="Why is the sky blue?"
          onKeyDown=${event => (event.ctrlKey || event.metaKey) && event.key === "Enter" && run(event)}></textarea></label>
        <${Drop} images=${now.images} />
        <div class="two-fields"><label>temperature${no ? html` <span class="faint">${no}</span>` : null}<input type="number" min="0" max="2" step="0.1" value=${no ? "" : now.temperature} disabled=${Boolean(no)} placeholder=${no ? "not sent" : "default"} onInput=${event => set({ temperature: event.target.value })} /></label>
          <label>most tokens<input type="number" min="1" step="1" value=${now.max} placeholder="default" onInput=${event => set({ max: event.target.value })} /></label></div>
        <details class="tools-field" open=${Boolean(now.tools)}><summary>tools, as JSON</summary><label><span class="offscreen">tools as JSON</span><textarea rows="7" spellcheck="false" class="mono" value=${now.tools} onInput=${event => set({ tools: event.target.value })} placeholder=${'[{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]'} aria-invalid=${tools.error ? "true" : null}></textarea></label>
          ${tools.error ? html`<p class="wrong">△ ${tools.error}</p>` : tools.tools ? html`<p class="faint">✓ ${count(tools.tools.length)} ${tools.tools.length === 1 ? "tool" : "tools"}</p>` : null}</details>
        <div class="run-buttons">${busy
          ? html`<button type="button" class="primary" onClick=${() => active.forEach(each => each.aborter?.abort())}>■ Stop</button>`
          : html`<button type="submit" class="primary" disabled=${!may("play") || !now.prompt.trim() || Boolean(tools.error)}>▶ Run</button>`}${busy ? null : html`<button type="button" class="quiet" disabled=${!runs[0].sent || !may("play")} onClick=${again}>↻ again</button>`}<span class="faint wide-only"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span></div>
      </form>
      <div class="runs" ref=${results}><h2 class="offscreen">What came</h2>${active.map((each, at) => html`<${Run} key=${at} run=${each} models=${models} at=${at} two=${now.two} />`)}</div>
    </div>
    <section class="card"><header class="card-head"><h2>The request as code</h2>${now.two ? html`<div class="segments" role="group" aria-label="which run">${["A", "B"].map((name, at) => html`<button type="button" aria-pressed=${side === at} onClick=${() => setSide(at)}>${name}</button>`)}</div>` : null}</header>
      <div class="tabs" role="group" aria-label="language">${Object.keys(CODE).map(name => html`<button type="button" aria-pressed=${language === name} onClick=${() => setLanguage(name)}>${name}</button>`)}</div>
      <${Snippet} text=${CODE[language](clientUrl.value, shownBody)} label=${language} /></section>`;
};
