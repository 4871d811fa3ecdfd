// Builds the admin page: bundles it, and writes what the binary embeds. `cargo xtask web` runs it.
//
//   node build.mjs           writes crates/server/assets/admin and crates/server/src/admin/assets.rs
//   node build.mjs --check   builds, and fails where that differs from what is there
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const assets = join(root, "crates/server/assets/admin");
const table = join(root, "crates/server/src/admin/assets.rs");
const checking = process.argv.includes("--check");

const sha256 = bytes => createHash("sha256").update(bytes).digest("hex");

/** Every file below a folder, by its path from this one, in order. */
const filesBelow = folder =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap(entry => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [relative(here, path)];
    })
    .sort();

// Words by which text could become markup or code. What a model says passes through these sources.
const FORBIDDEN =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|createContextualFragment|DOMParser|document\.write|\beval\b|new Function|srcdoc|\sstyle="|javascript:/;

const sources = filesBelow(join(here, "src"));
for (const name of sources) {
  const lines = readFileSync(join(here, name), "utf8").split("\n");
  lines.forEach((line, at) => {
    const word = FORBIDDEN.exec(line);
    if (word) throw new Error(`web/${name}:${at + 1}: the word \`${word[0]}\` is forbidden here`);
  });
}

const common = { bundle: true, minify: true, write: false, target: "es2022", legalComments: "none", metafile: true };
const script = await build({ ...common, entryPoints: [join(here, "src/main.js")], format: "esm", absWorkingDir: here });
const style = await build({ ...common, entryPoints: [join(here, "src/style.css")], absWorkingDir: here });
const js = Buffer.from(script.outputFiles[0].contents);
const css = Buffer.from(style.outputFiles[0].contents);

/** The licences of what is bundled. */
const licences = () => {
  const used = new Set();
  for (const path of [...Object.keys(script.metafile.inputs), ...Object.keys(style.metafile.inputs)]) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
    if (found) used.add(found[1]);
  }
  const allowed = new Set(["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC"]);
  return [...used].sort().map(name => {
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (!allowed.has(about.license)) throw new Error(`${name} has the licence ${about.license}, which is not on the list`);
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${about.license}`;
    return `${name} ${about.version} (${about.license})\n\n${text}\n`;
  });
};

const hashed = (name, ending, bytes) => `${name}-${sha256(bytes).slice(0, 10)}.${ending}`;
const jsName = hashed("app", "js", js);
const cssName = hashed("app", "css", css);
const page = readFileSync(join(here, "src/index.html"), "utf8").replace("app.js", jsName).replace("app.css", cssName);

const outputs = [
  { name: "index.html", type: "text/html; charset=utf-8", immutable: false, bytes: Buffer.from(page) },
  { name: jsName, type: "text/javascript; charset=utf-8", immutable: true, bytes: js },
  { name: cssName, type: "text/css; charset=utf-8", immutable: true, bytes: css },
  {
    name: "THIRD_PARTY.txt",
    type: "text/plain; charset=utf-8",
    immutable: false,
    bytes: Buffer.from(`What is bundled into the admin page, and its licences.\n\n${licences().join("\n\n")}`),
  },
];

const inputs = ["build.mjs", "package-lock.json", "package.json", ...sources].sort();
const manifest = {
  made_by: "cargo xtask web",
  inputs: Object.fromEntries(inputs.map(name => [name, sha256(readFileSync(join(here, name)))])),
  outputs: Object.fromEntries(outputs.map(output => [output.name, sha256(output.bytes)])),
};

const entry = output => `    Asset {
        path: "${output.name === "index.html" ? "/admin/" : `/admin/assets/${output.name}`}",
        kind: "${output.type}",
        etag: "\\"${sha256(output.bytes).slice(0, 16)}\\"",
        immutable: ${output.immutable},
        bytes: include_bytes!("../../assets/admin/${output.name}"),
        gzip: Some(include_bytes!("../../assets/admin/${output.name}.gz")),
    },`;
const rust = `//! The admin page's files, written by \`cargo xtask web\`: change \`web/src\` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
${outputs.map(entry).join("\n")}
];
`;

const total = outputs.slice(0, 3).reduce((sum, output) => sum + gzipSync(output.bytes, { level: 9 }).length, 0);
if (total > 110_000) throw new Error(`the page has ${total} bytes compressed; 110,000 is the most`);

const manifestText = `${JSON.stringify(manifest, null, 2)}\n`;
if (checking) {
  const stale = [];
  const same = (path, bytes) => existsSync(path) && readFileSync(path).equals(Buffer.from(bytes));
  for (const output of outputs) {
    const path = join(assets, output.name);
    if (!same(path, output.bytes)) stale.push(output.name);
    // Compressed bytes differ between versions of zlib; what they hold does not.
    else if (!existsSync(`${path}.gz`) || !gunzipSync(readFileSync(`${path}.gz`)).equals(output.bytes)) stale.push(`${output.name}.gz`);
  }
  if (!same(join(assets, "manifest.json"), manifestText)) stale.push("manifest.json");
  if (!same(table, rust)) stale.push("assets.rs");
  if (stale.length) {
    console.error(`not what web/src builds: ${stale.join(", ")}; run \`cargo xtask web\``);
    process.exit(1);
  }
  console.log(`the page is what web/src builds: ${total} bytes compressed`);
} else {
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });
  mkdirSync(dirname(table), { recursive: true });
  for (const output of outputs) {
    writeFileSync(join(assets, output.name), output.bytes);
    writeFileSync(join(assets, `${output.name}.gz`), gzipSync(output.bytes, { level: 9 }));
  }
  writeFileSync(join(assets, "manifest.json"), manifestText);
  writeFileSync(table, rust);
  console.log(`the page has ${total} bytes compressed: ${outputs.map(output => output.name).join(", ")}`);
}
