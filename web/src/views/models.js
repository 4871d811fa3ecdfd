// Models: the catalogue, searchable.
import { useFetched } from "../api.js";
import { Facts } from "../bits.js";
import { count, short, visible } from "../format.js";
import { html, useMemo, useRef, useState } from "../lib.js";
import { useKeys } from "../keys.js";
import { replace, route } from "../route.js";
import { Head, Loading, Problem } from "../shell.js";

const DEFAULTS = { off: "off unless asked", on: "on", always_on: "always" };

const rowOf = model => model.row ?? model.encoder ?? {};

const price = (row, kind) => row.price?.usd_per_mtok?.[kind];

const Value = value => (value == null ? "–" : Array.isArray(value) ? (value.length ? value.join(", ") : "none") : typeof value === "object" ? JSON.stringify(value) : String(value));

const Reasons = ({ row }) => {
  if (!row.control || row.control === "none") return html`<span class="faint">no</span>`;
  const efforts = row.efforts ?? [];
  return html`<span class="ink-reasoning">◆ ${DEFAULTS[row.default] ?? row.default ?? "?"}</span>${efforts.length ? html` <span class="under faint">${efforts.join(" · ")}</span>` : row.min_budget ? html` <span class="under faint">budget from ${count(row.min_budget)}</span>` : null}`;
};

const Model = ({ model, open, toggle }) => {
  const row = rowOf(model);
  return html`<tr class=${open ? "selected" : null}><td data-label="model"><button type="button" class="row-open" aria-expanded=${open} onClick=${toggle} data-row><span aria-hidden="true">${open ? "▾" : "▸"}</span> ${visible(row.name ?? model.model)}</button><span class="under faint"><code>${visible(model.model ?? model.id)}</code></span></td>
    <td data-label="reasons"><${Reasons} row=${row} /></td>
    <td data-label="most output" class="number">${row.max_output_tokens ? short(row.max_output_tokens) : row.dimensions?.length ? `${row.dimensions.join("/")} dim` : "–"}</td>
    <td data-label="takes" class="faint">${model.encoder ? row.task : ["text", ...(row.media ?? []), row.tools ? "tools" : null].filter(Boolean).join(", ")}</td>
    <td data-label="$/M in" class="number">${price(row, "input") ?? "–"}</td><td data-label="$/M out" class="number">${price(row, "output") ?? "–"}</td>
    <td data-label="notes">${row.unproven ? html`<span class="warn" title=${row.unproven}>△ unproven</span> ` : null}${row.legacy ? html`<span class="faint">⊘ ends soon</span> ` : null}${model.found && model.found !== "row" ? html`<span class="ink-input">${model.found}</span>` : null}</td></tr>
    ${open ? html`<tr class="detail"><td colspan="7"><${Facts} facts=${[
      ["also", model.also?.length ? model.also.join(", ") : null],
      ["found", `${model.found ?? ""}${model.at?.length ? ` at ${model.at.join(", ")}` : ""}`],
      ["unproven", row.unproven && visible(row.unproven)],
      ["what is best done", row.fallback && visible(row.fallback)],
      ["price", row.price && `${Object.entries(row.price.usd_per_mtok ?? {}).map(([kind, amount]) => `${kind.replaceAll("_", " ")} $${amount}`).join(", ")} a million; ${row.price.as_of ?? ""}, ${row.price.source ?? ""}`],
      ...Object.entries(row).filter(([key]) => !["name", "unproven", "fallback", "price"].includes(key)).map(([key, value]) => [key.replaceAll("_", " "), value == null ? null : visible(Value(value))]),
    ]} /><p><a class="button quiet" href=${`#/play?model=${encodeURIComponent(model.model ?? model.id)}`}>try it in the playground</a></p></td></tr>` : null}`;
};

export const Models = () => {
  const { data, error, reload } = useFetched("catalogue");
  const q = route.value.query.get("q") ?? "";
  const [typed, setTyped] = useState(q);
  const [open, setOpen] = useState(null);
  const [only, setOnly] = useState(false);
  const field = useRef(null);
  const table = useRef(null);
  const timer = useRef(null);
  const apply = text => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => replace(text ? `#/models?q=${encodeURIComponent(text)}` : "#/models"), 250);
  };
  const move = step => {
    const rows = [...(table.current?.querySelectorAll("[data-row]") ?? [])];
    if (rows.length) rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(document.activeElement) + step))].focus();
  };
  useKeys({ "/": () => field.current?.focus(), j: () => move(1), k: () => move(-1), Escape: () => (open ? setOpen(null) : typed ? apply("") : false) });
  const models = useMemo(() => (data?.models ?? data ?? []).map(model => ({ model, text: JSON.stringify(model).toLowerCase() })), [data]);
  if (error) return html`<${Head} title="Models" /><${Problem} error=${error} reload=${reload} />`;
  if (!data) return html`<${Head} title="Models" /><${Loading} />`;
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = models.filter(({ model, text }) => words.every(word => text.includes(word)) && (!only || !["none", undefined].includes(rowOf(model).control)));
  return html`<${Head} title="Models" sub=${`${count(shown.length)} of ${count(models.length)} in the catalogue`}>
      <label class="check"><input type="checkbox" checked=${only} onChange=${event => setOnly(event.target.checked)} /> that reason</label>
      <label class="search"><span class="offscreen">search the models</span><input ref=${field} type="search" placeholder="search ( / )" value=${typed} onInput=${event => apply(event.target.value)} /></label>
    </${Head}>
    ${shown.length ? html`<div class="rows-scroll"><table class="rows models" ref=${table}><thead><tr><th>model</th><th>reasons</th><th class="number">most output</th><th>takes</th><th class="number">$/M in</th><th class="number">$/M out</th><th>notes</th></tr></thead>
      <tbody>${shown.slice(0, 400).map(({ model }) => html`<${Model} key=${model.model ?? model.id} model=${model} open=${open === (model.model ?? model.id)} toggle=${() => setOpen(open === (model.model ?? model.id) ? null : model.model ?? model.id)} />`)}</tbody></table></div>`
      : html`<section class="card empty"><h2>No model fits</h2><p>Any other id is called as it is; nothing is sent to it that a model might refuse.</p></section>`}`;
};
