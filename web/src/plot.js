// Plots of what changes over time, with a table of the same numbers, and small lines for tiles.
import uPlot from "uplot";
import { clock, utc } from "./format.js";
import { html, useEffect, useRef, useState, useWidth } from "./lib.js";
import { colours } from "./shell.js";

/** A small line without axes. Gaps stay gaps. */
export const Spark = ({ values, kind }) => {
  const seen = values.filter(value => value != null);
  if (seen.length < 2) return html`<svg class="spark" viewBox="0 0 100 24" aria-hidden="true"></svg>`;
  const top = Math.max(...seen, 1e-9);
  const step = 100 / Math.max(values.length - 1, 1);
  let pen = "M";
  let line = "";
  let area = "";
  let from = null;
  values.forEach((value, at) => {
    if (value == null) {
      if (from != null) area += `L${((at - 1) * step).toFixed(2)} 24Z`;
      from = null;
      pen = "M";
      return;
    }
    const x = (at * step).toFixed(2);
    const y = (22 - (value / top) * 20).toFixed(2);
    line += `${pen}${x} ${y}`;
    if (from == null) {
      from = x;
      area += `M${x} 24L${x} ${y}`;
    } else area += `L${x} ${y}`;
    pen = "L";
  });
  if (from != null) area += `L${((values.length - 1) * step).toFixed(2)} 24Z`;
  return html`<svg class=${`spark ${kind}`} viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true"><path class="area" d=${area} /><path class="line" d=${line} vector-effect="non-scaling-stroke" /></svg>`;
};

/** Fewer values: the largest or the mean of each so many. */
export const thinned = (values, most, how = "max") => {
  const step = Math.ceil(values.length / most);
  if (step <= 1) return values;
  const result = [];
  for (let at = 0; at < values.length; at += step) {
    const part = values.slice(at, at + step).filter(value => value != null);
    if (!part.length) result.push(null);
    else result.push(how === "max" ? Math.max(...part) : part.reduce((sum, value) => sum + value, 0) / part.length);
  }
  return result;
};

const colour = name => {
  const probe = document.createElement("span");
  probe.className = `probe ink-${name}`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
};

const faded = (value, alpha) => value.replace(/^rgb\(([^)]*)\)$/, `rgba($1, ${alpha})`);

/** Lines over time. `lines`: `{name, ink, values, dash}`; `times`: seconds. */
export const Plot = ({ title, times, lines, format, height = 168 }) => {
  const [box, width] = useWidth(0);
  const [table, setTable] = useState(false);
  const [hover, setHover] = useState(null);
  const place = useRef(null);
  const plot = useRef(null);
  const shape = `${lines.map(line => line.name).join()}|${colours.value}|${utc.value}|${table}`;
  useEffect(() => {
    if (!width || table || !place.current) return undefined;
    const grid = { stroke: colour("line"), width: 1 };
    const axis = { stroke: colour("faint"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    plot.current = new uPlot(
      {
        width,
        height,
        padding: [8, 8, 0, 0],
        tzDate: utc.value ? seconds => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC") : undefined,
        legend: { show: false },
        hooks: { setCursor: [drawn => setHover(drawn.cursor.idx ?? null)] },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
        axes: [
          { ...axis, space: 64, size: 28, values: (_, splits) => splits.map(second => clock(second * 1000).slice(0, splits.at(-1) - splits[0] < 480 ? 8 : 5)) },
          { ...axis, size: 56, space: 32, values: (_, splits) => splits.map(value => format(value)) },
        ],
        series: [
          {},
          ...lines.map(line => {
            const stroke = colour(line.ink);
            return { label: line.name, stroke, width: 1.6, dash: line.dash, fill: line.fill ? faded(stroke, 0.14) : undefined, points: { show: false }, spanGaps: Boolean(line.join) };
          }),
        ],
      },
      [times, ...lines.map(line => line.values)],
      place.current,
    );
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, width > 0]);
  useEffect(() => {
    if (plot.current && width) plot.current.setSize({ width, height });
  }, [width]);
  useEffect(() => {
    plot.current?.setData([times, ...lines.map(line => line.values)]);
  }, [times, lines]);
  const newest = line => line.values.findLast(value => value != null);
  const shown = line => (hover == null || hover >= times.length ? newest(line) : line.values[hover]);
  const words = `${title}, newest: ${lines.map(line => `${line.name} ${newest(line) == null ? "none" : format(newest(line))}`).join(", ")}`;
  const rows = table ? tableRows(times, lines, format) : [];
  return html`<section class="card plot" aria-label=${title}>
    <header class="card-head"><h2>${title}</h2>
      <button type="button" class="quiet small" aria-pressed=${table} onClick=${() => setTable(!table)}>${table ? "plot" : "table"}</button></header>
    <ul class="legend">${lines.map(line => html`<li><svg width="16" height="10" aria-hidden="true"><line class=${`stroke-${line.ink}`} x1="0" x2="16" y1="5" y2="5" stroke-width="2" stroke-dasharray=${line.dash ? "4 3" : null} /></svg>
      ${line.name} <strong>${shown(line) == null ? "–" : format(shown(line))}</strong></li>`)}${hover != null && times[hover] != null ? html`<li>at ${clock(times[hover] * 1000)}</li>` : null}</ul>
    <div ref=${box} class="plot-box">${
      table
        ? html`<div class="table-scroll plot-table" tabindex="0"><table><thead><tr><th>time</th>${lines.map(line => html`<th class="number">${line.name}</th>`)}</tr></thead>
          <tbody>${rows.map(row => html`<tr>${row.map((text, at) => html`<td class=${at ? "number" : null}>${text}</td>`)}</tr>`)}</tbody></table></div>`
        : html`<div class="canvas" ref=${place} role="img" aria-label=${words}></div>`
    }</div>
  </section>`;
};

/** The newest times in which anything was. */
const tableRows = (times, lines, format) => {
  const rows = [];
  for (let at = times.length - 1; at >= 0 && rows.length < 60; at -= 1) {
    if (lines.every(line => line.values[at] == null)) continue;
    rows.push([clock(times[at] * 1000), ...lines.map(line => (line.values[at] == null ? "–" : format(line.values[at])))]);
  }
  return rows;
};
