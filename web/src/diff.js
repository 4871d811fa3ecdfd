// The lines in which two texts differ.
const MOST = 1500;

/** JSON in lines, with long data cut. */
export const lined = text => {
  try {
    return JSON.stringify(
      JSON.parse(text),
      (_, value) => (typeof value === "string" && value.length > 600 ? `${value.slice(0, 240)}… (${value.length} characters)` : value),
      2,
    ).split("\n");
  } catch {
    return String(text ?? "").split("\n");
  }
};

/** `{kind: "same"|"gone"|"new", text}` for each line. */
export const diff = (before, after) => {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const a = before.slice(head, before.length - tail);
  const b = after.slice(head, after.length - tail);
  const same = text => ({ kind: "same", text });
  const middle = a.length > MOST || b.length > MOST ? [...a.map(text => ({ kind: "gone", text })), ...b.map(text => ({ kind: "new", text }))] : longest(a, b);
  return [...before.slice(0, head).map(same), ...middle, ...before.slice(before.length - tail).map(same)];
};

const longest = (a, b) => {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1 : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && table[(i + 1) * width + j] >= table[i * width + j + 1])) {
      lines.push({ kind: "gone", text: a[i] });
      i += 1;
    } else {
      lines.push({ kind: "new", text: b[j] });
      j += 1;
    }
  }
  return lines;
};

/** Only the lines near a difference; between them how many are left out. */
export const folded = (lines, near = 3) => {
  const keep = new Uint8Array(lines.length);
  lines.forEach((line, at) => {
    if (line.kind !== "same") for (let i = Math.max(0, at - near); i <= Math.min(lines.length - 1, at + near); i += 1) keep[i] = 1;
  });
  const result = [];
  let out = 0;
  lines.forEach((line, at) => {
    if (keep[at]) {
      if (out) result.push({ kind: "fold", text: `${out} equal lines` });
      out = 0;
      result.push(line);
    } else out += 1;
  });
  if (out) result.push({ kind: "fold", text: `${out} equal lines` });
  return result;
};
