// The admin page in Chromium before a running demo: every view, keys alone, reasoning as it arrives, and a model that means harm.
// Usage: admin_page.mjs GATEWAY ADMIN FOLDER
import axe from "axe-core";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [, , GATEWAY, ADMIN, FOLDER] = process.argv;
const PAGE = `${ADMIN}/admin/`;
const MODEL = "us.anthropic.claude-sonnet-4-6";
mkdirSync(FOLDER, { recursive: true });

let browser;
async function check(name, right, seen) {
  console.log(`${right ? "ok    " : "WRONG "}${name}`);
  if (!right) {
    console.error(`${name}: seen ${JSON.stringify(seen, null, 1)}`.slice(0, 6000));
    await browser?.close();
    process.exit(1);
  }
}

// Where Chromium is. Where there is none, root on Debian gets it.
function chromiumPath() {
  const told = process.env.AQUIFER_CHROMIUM;
  if (told) return told;
  const found = () => ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
  if (found()) return found();
  if (process.getuid() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("there is no Chromium; apt-get installs it");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const words of [["-qq", "update"], ["-qq", "install", "-y", "--no-install-recommends", "chromium"]]) {
      execFileSync("apt-get", words, { env, stdio: ["ignore", "ignore", "inherit"] });
    }
  }
  if (found()) return found();
  console.error("this suite needs Chromium: run `apt-get install chromium` as root, or say in AQUIFER_CHROMIUM where one is");
  process.exit(1);
}

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Waits until something holds; gives it.
async function until(what, holds, patience = 8000) {
  const end = Date.now() + patience;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) return check(what, false, "it did not come");
    await pause(40);
  }
}

// A window that notes every word of the content security policy, every dialog and every request that leaves.
async function open({ width = 1440, height = 900, scheme = "light", motion = "no-preference" } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...(motion === "reduce" ? { reducedMotion: "reduce" } : {}) });
  const page = await context.newPage();
  const seen = { errors: [], dialogs: [], left: [], reports: [] };
  page.on("pageerror", (error) => seen.errors.push(error.stack));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    dialog.dismiss();
  });
  page.on("request", (request) => request.url().startsWith(ADMIN) || request.url().startsWith("data:") || seen.left.push(request.url()));
  context.on("page", (other) => other !== page && seen.left.push(`a new window: ${other.url()}`));
  await context.exposeFunction("noteReport", (text) => seen.reports.push(text));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => globalThis.noteReport(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  await page.goto(PAGE);
  await page.waitForSelector("main h1");
  return { context, page, seen };
}

const show = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);
const quiet = (seen) => !seen.dialogs.length && !seen.left.length && !seen.reports.length && !seen.errors.length;

// Asks the gateway; gives the id and the whole of what came, and tells of each piece.
async function ask(content, { stream = true, effort = "low", model = MODEL, more = {}, told = () => {} } = {}) {
  const response = await fetch(`${GATEWAY}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, stream, ...(effort ? { reasoning_effort: effort } : {}), messages: [{ role: "user", content }], ...more }),
  });
  if (!stream) return response.json();
  const result = { id: response.headers.get("x-request-id"), reasoning: "", content: "" };
  told(result);
  let rest = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop();
    for (const line of lines.filter((text) => text.startsWith("data: {"))) {
      const delta = JSON.parse(line.slice(6)).choices?.[0]?.delta ?? {};
      result.reasoning += delta.reasoning ?? "";
      result.content += delta.content ?? "";
      told(result);
    }
  }
  return result;
}

const api = async (path) => (await fetch(`${ADMIN}/admin/api/v1/${path}`)).json();

// What axe finds to be serious or critical.
async function faults(page, only = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]) {
  if (!(await page.evaluate(() => Boolean(globalThis.axe)))) await page.evaluate(axe.source);
  const found = await page.evaluate((runOnly) => globalThis.axe.run({ runOnly, resultTypes: ["violations"] }), only);
  return found.violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("; ")}`);
}

const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

async function everyView() {
  const { exchanges } = await api("exchanges?limit=5");
  const id = encodeURIComponent(exchanges[0].id);
  const views = {
    now: "#/", streams: "#/streams", exchanges: "#/exchanges", exchange: `#/x/${id}`, routing: "#/routing", config: "#/config",
    models: "#/models?q=claude-o", play: "#/play", setup: "#/setup",
  };
  const wrong = [];
  const one = async (scheme, width, only) => {
    const { context, page, seen } = await open({ width, height: width < 500 ? 780 : 900, scheme });
    for (const [name, hash] of Object.entries(views)) {
      await show(page, hash);
      await page.waitForSelector("main h1");
      await pause(350);
      await page.screenshot({ path: join(FOLDER, `${name}-${width}-${scheme}.png`) });
      const where = `${name} ${width} ${scheme}`;
      const more = await sideways(page);
      if (more > 0) wrong.push(`${where}: ${more} pixels sideways`);
      for (const fault of await faults(page, only)) wrong.push(`${where}: ${fault}`);
      if (!(await page.locator("main").innerText()).trim()) wrong.push(`${where}: it is empty`);
      if (await page.locator(".problem").count()) wrong.push(`${where}: ${await page.locator(".problem").first().innerText()}`);
    }
    if (!quiet(seen)) wrong.push(`${width} ${scheme}: ${JSON.stringify(seen)}`);
    await context.close();
  };
  await Promise.all([one("light", 1440), one("dark", 360)]);
  // Of what axe looks for, colours alone depend on the scheme.
  await Promise.all([one("dark", 1440, ["color-contrast"]), one("light", 360, ["color-contrast"])]);
  await check("every view, light and dark, at 1440 and 360 pixels: nothing serious, nothing sideways, no error", !wrong.length, wrong);
  // 200 % zoom is half the width in CSS pixels.
  const { context, page } = await open({ width: 720, height: 450, motion: "reduce" });
  for (const hash of Object.values(views)) {
    await show(page, hash);
    await pause(120);
    if ((await sideways(page)) > 0) wrong.push(`${hash} at 200 %`);
  }
  await context.close();
  await check("at 200 % zoom nothing is sideways", !wrong.length, wrong);
}

async function keysAlone() {
  const { context, page, seen } = await open();
  const hash = () => page.evaluate(() => location.hash);
  const focused = (what) => page.evaluate((selector) => document.activeElement?.matches(selector) ?? false, what);
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
    await pause(70);
  };
  await press("Tab");
  await check("the first stop of Tab leads to the content", await focused(".skip"), await page.evaluate(() => document.activeElement?.outerHTML));
  await press("Enter");
  await check("and goes there", await focused("main"));
  for (const [key, place] of Object.entries({ s: "#/streams", b: "#/routing", c: "#/config", m: "#/models", p: "#/play", u: "#/setup", n: "#/", x: "#/exchanges" })) {
    await press("g", key);
    await check(`g ${key}`, (await hash()) === place, await hash());
  }
  await page.waitForSelector(".rows tbody tr");
  await press("j", "j", "k");
  await check("j and k choose a row", (await page.locator("tr.selected").count()) === 1);
  await press("Enter");
  await check("Enter opens it", (await hash()).startsWith("#/x/"), await hash());
  await page.waitForSelector(".timeline");
  await press("r");
  await press("Escape");
  await check("Escape goes back", (await hash()) === "#/exchanges", await hash());
  await press("/");
  await check("/ goes to the filter", await focused("input[type=search]"));
  await page.keyboard.type("outcome:failed g s ?");
  await until("the filter is in the address", async () => decodeURIComponent(await hash()).includes("outcome:failed g s ?"));
  await check("keys do nothing in fields", (await page.locator("dialog[open]").count()) === 0);
  await press("Escape", "Escape");
  await press("?");
  await check("? shows the keys", (await page.locator("dialog[open]").count()) === 1);
  await page.locator("dialog label", { hasText: "single-letter keys" }).locator("input").focus();
  await press("Space");
  await press("Escape");
  await press("g", "s");
  await check("single-letter keys can be switched off", !(await hash()).startsWith("#/streams"), await hash());
  await page.locator("[aria-label='keys and settings']").focus();
  await press("Enter");
  await page.locator("dialog label", { hasText: "single-letter keys" }).locator("input").focus();
  await press("Space");
  await press("Escape");
  await press("t");
  const light = await page.evaluate(() => document.documentElement.dataset.theme);
  await press("t");
  const dark = await page.evaluate(() => document.documentElement.dataset.theme);
  await check("t changes the theme, and the browser remembers it", light === "light" && dark === "dark", [light, dark]);
  await page.reload();
  await page.waitForSelector("main h1");
  await check("the theme stays", (await page.evaluate(() => document.documentElement.dataset.theme)) === "dark");
  await check("by keys alone: nothing was reported", quiet(seen), seen);
  await context.close();
}

// The letters of a pane, without what stands around them.
const paneText = (page, kind) => page.locator(`.watch .pane.${kind} .pane-body`).innerText();

// A question whose repetition takes the demo's model some seconds of thought.
const LONG = `Why is the sky blue, and why is the evening red? ${"Think about scattering, and about long ways through air. ".repeat(6)}`;

async function reasoningLive() {
  const { context, page, seen } = await open();
  await show(page, "#/streams");
  await until("the page is live", async () => (await page.locator(".live-mark.live").count()) > 0);
  let asked;
  let before = false;
  // On a busy machine a click may come too late; then another one is asked.
  for (let round = 0; round < 3 && !before; round += 1) {
    await asked;
    await show(page, "#/streams");
    let id = null;
    asked = ask(LONG, { told: (result) => { id ??= result.id; } });
    await until("the stream has begun", () => id);
    const card = page.locator(`.stream-card[href="#/streams/${id}"]`);
    await until("its card is there", () => card.count());
    await card.evaluate((link) => link.click());
    const seen = await until("its text is shown", () => page.evaluate(() => {
      const [reasoning, answer] = ["reasoning", "answer"].map((kind) => Boolean(document.querySelector(`.watch .pane.${kind} .run`)));
      return reasoning || answer ? { reasoning, answer } : null;
    }));
    before = seen.reasoning && !seen.answer;
  }
  await check("reasoning is shown before the answer begins", before);
  await page.screenshot({ path: join(FOLDER, "live-1440-light.png") });
  await page.reload();
  await until("after a reload the text is there again", async () => ((await page.locator(".watch .pane.reasoning .run").count()) ? (await paneText(page, "reasoning")).startsWith("The user says") : false));
  const result = await asked;
  await until("the answer is shown", async () => (await paneText(page, "answer")).includes("simulated answer"));
  await until("the end is told", async () => (await page.locator(".phase.ended").count()) > 0);
  const text = (await paneText(page, "reasoning")).replace(/\s+/g, " ").trim();
  await check("all of the reasoning is there", text === result.reasoning.replace(/\s+/g, " ").trim(), [text, result.reasoning]);
  await check("and nothing was reported", quiet(seen), seen);
  await context.close();
}

// How long after its arrival at the client a piece of reasoning is on the page.
async function howSoon() {
  const { context, page } = await open();
  await page.evaluate(() => {
    globalThis.shown = [];
    new MutationObserver(() => {
      const pane = document.querySelector(".watch .pane.reasoning .run");
      if (pane) globalThis.shown.push([performance.timeOrigin + performance.now(), pane.textContent.length]);
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  const arrived = [];
  let id = null;
  const asked = ask(LONG, {
    told: (result) => {
      if (!id && result.id) {
        id = result.id;
        show(page, `#/streams/${encodeURIComponent(id)}`);
      }
      if (result.reasoning && !result.content) arrived.push([performance.timeOrigin + performance.now(), result.reasoning.length]);
    },
  });
  await asked;
  await pause(300);
  const shown = await page.evaluate(() => globalThis.shown);
  const first = shown[0]?.[0] ?? Infinity;
  const late = arrived
    .filter(([at]) => at > first)
    .map(([at, length]) => (shown.find(([, seen]) => seen >= length)?.[0] ?? Infinity) - at)
    .sort((a, b) => a - b);
  const [middle, most] = [late[Math.floor(late.length / 2)], late[Math.floor(late.length * 0.95)]];
  console.log(`       a piece of reasoning is shown ${middle?.toFixed(0)} ms after it arrived at the client, 19 of 20 within ${most?.toFixed(0)} ms`);
  // On a busy machine single pieces wait for the processor; most of them must not.
  await check("reasoning is shown within 200 ms", late.length > 5 && middle < 200 && most < 1000, { late, arrived: arrived.length, shown: shown.length });
  await context.close();
}

const LEAK = createServer((request, response) => {
  leaks.push(request.url);
  response.end();
});
const leaks = [];

async function hostileModel() {
  await new Promise((resolve) => LEAK.listen(0, "127.0.0.1", resolve));
  const leak = `http://127.0.0.1:${LEAK.address().port}/leak`;
  const harm = [
    "<script>alert(1)</script>", `<img src=x onerror="alert(2)">`, "[press](javascript:alert(3))", `![picture](${leak}?a)`, `<iframe src="${leak}?b"></iframe>`,
    `<style>@import "${leak}?c"</style>`, `<svg onload=alert(4)>`, "[data](data:text/html,<b>x)", `[honest](${leak}?d)`, "\u001b[31mred\u001b[0m \u001b]8;;http://x\u0007", "abc\u202Edlrow\u2066",
    "invisible\u200btext", `<a href="${leak}?e" ping="${leak}?f">go</a>`, "<base href=//x><link rel=prefetch href=" + leak + "?g>", "| a | b |\n|---|---|\n| <b onclick=alert(5)> | ![](" + leak + "?h) |", "> > > quoted <embed src=" + leak + "?i>",
  ].join("\n\n");
  const { context, page, seen } = await open();
  let id = null;
  const asked = ask(`[[say:${harm}]]`, { told: (result) => { id ??= result.id; } });
  await until("the hostile stream has begun", () => id);
  await show(page, `#/streams/${encodeURIComponent(id)}`);
  await asked;
  await until("the hostile answer is shown", async () => (await paneText(page, "answer")).includes("quoted"));
  const panes = await page.evaluate(() => {
    const root = document.querySelector(".watch");
    const names = new Set([...root.querySelectorAll("*")].map((element) => element.localName));
    return {
      names: [...names],
      links: [...root.querySelectorAll(".pane-body a")].map((a) => [a.getAttribute("href"), a.rel]),
      attributes: [...new Set([...root.querySelectorAll(".pane-body *")].flatMap((element) => element.getAttributeNames()))],
      text: root.querySelector(".pane.answer .pane-body").textContent,
    };
  });
  const forbidden = ["script", "img", "iframe", "style", "embed", "object", "link", "base", "form", "meta"];
  await check("none of a model's markup is an element", !panes.names.some((name) => forbidden.includes(name)), panes.names);
  await check("nor an attribute that runs or loads", !panes.attributes.some((name) => name.startsWith("on") || ["src", "style", "ping", "srcset"].includes(name)), panes.attributes);
  await check("links lead to the web only, and tell nobody where they were", panes.links.length > 0 && panes.links.every(([href, rel]) => /^https?:/.test(href) && rel === "noopener noreferrer nofollow"), panes.links);
  await check("the address of a link and of a picture is seen", panes.text.includes(`${leak}?d`) && panes.text.includes(`${leak}?a`), panes.text);
  await check("control characters are pictures", panes.text.includes("\u241b[31m") && !/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069\u200b]/.test(panes.text), panes.text);
  await page.screenshot({ path: join(FOLDER, "hostile-1440-light.png") });
  await show(page, `#/x/${encodeURIComponent(id)}`);
  await until("the exchange shows the hostile text", async () => (await page.locator(".blocks").innerText()).includes("onerror"));
  await page.keyboard.press("r");
  await pause(200);

  // Whole answers: a line of 900 kilobytes (larger bodies are not read for those who watch), and ten thousand blocks.
  for (const [name, text] of [["a line of 900 kilobytes", "x".repeat(900_000)], ["ten thousand blocks", "b\n\n".repeat(10_000)], ["quotes in quotes", `${">".repeat(5000)} deep`], ["marks without end", "*a **b _c ".repeat(6000)]]) {
    const answer = await ask(`[[say:${text}]]`, { stream: false, effort: null });
    const began = Date.now();
    await show(page, `#/x/${encodeURIComponent(answer.id)}`);
    await until(`${name} is shown`, async () => (await page.locator(".blocks .pane.answer .run").count()) > 0);
    const after = await page.evaluate(async () => {
      const at = performance.now();
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return { frames: performance.now() - at, elements: document.querySelectorAll("*").length };
    });
    await check(`${name}: the page stays usable`, after.frames < 1000 && after.elements < 6000 && Date.now() - began < 6000, { ...after, took: Date.now() - began });
  }
  await check("a hostile model: no dialog, no report, no error", !seen.dialogs.length && !seen.reports.length && !seen.errors.length, seen);
  await check("a hostile model: no request left", !seen.left.length && !leaks.length, { left: seen.left, leaks });
  await context.close();

  // The same as a flood of live events, faster than any gateway sends them.
  const flood = await open();
  const lines = [];
  const event = (data) => lines.push(`event: text\ndata: ${JSON.stringify({ id: "flood", ...data })}\n\n`);
  event({ kind: "snapshot", text: { reasoning: { text: "", dropped_bytes: 0 }, content: { text: "", dropped_bytes: 0 }, tools: [], blocks: [] } });
  for (let at = 0; at < 1024; at += 1) event({ kind: "reasoning", text: "y".repeat(1024) });
  for (let at = 0; at < 10_000; at += 1) event({ kind: "content", text: `block ${at}\n\n` });
  for (let at = 0; at < 300; at += 1) event({ kind: "tool_name", text: `tool_${at}` }, event({ kind: "tool_arguments", text: "{}" }));
  event({ kind: "content", text: "the end of the flood" });
  await flood.page.route("**/api/v1/live*", (route) => {
    const text = route.request().url().includes("text:flood");
    return route.fulfill({ status: 200, contentType: "text/event-stream", body: text ? `retry: 600000\n\n${lines.join("")}` : "retry: 600000\n\n" });
  });
  await show(flood.page, "#/streams/flood");
  await until("the flood is shown", async () => (await flood.page.locator(".watch .pane.answer .pane-body").innerText()).includes("the end of the flood"));
  const state = await flood.page.evaluate(() => ({ elements: document.querySelectorAll("*").length, dropped: document.querySelector(".pane.reasoning .dropped")?.textContent, letters: document.querySelector(".pane.reasoning .pane-body").textContent.length }));
  await check("a flood is bounded, and how much is gone is said", state.elements < 6000 && state.letters < 80_000 && /no longer kept/.test(state.dropped ?? ""), state);
  await flood.page.locator(".side a[href='#/setup']").click();
  await check("after a flood the page goes on", (await flood.page.locator("main h1").innerText()) === "Setup");
  await flood.context.close();
  LEAK.close();
}

async function playground() {
  const { context, page, seen } = await open();
  await show(page, "#/play");
  await until("the catalogue is there", async () => (await page.locator(".chooser").innerText()).includes("Claude Sonnet 4.6"));
  const levels = await page.locator(".effort .segments button").allInnerTexts();
  await check("the levels are those of the model's row", levels.join() === "default,none,low,medium,high,max", levels);
  await page.locator("label.check", { hasText: "two beside each other" }).locator("input").check();
  await page.locator(".chooser").nth(1).locator("button", { hasText: "none" }).click();
  await page.fill(".prompt", "Why is the sky blue?");
  await page.keyboard.press("Control+Enter");
  await until("reasoning streams in the first run", async () => (await page.locator(".run-column").nth(0).locator(".pane.reasoning .run").count()) > 0);
  await until("both runs are complete, with what they cost", async () => (await page.locator(".outcome-box dt", { hasText: "cost" }).count()) === 2, 20_000);
  await check("without effort there is no reasoning", (await page.locator(".run-column").nth(1).locator(".pane.reasoning .run").count()) === 0);
  await page.locator(".tabs button", { hasText: "Python" }).click();
  const code = await page.locator(".snippet code").innerText();
  await check("the request as Python", code.includes("reasoning_effort=\"low\"") && code.includes(GATEWAY), code);
  await page.screenshot({ path: join(FOLDER, "play-two-1440-light.png") });
  const serious = await faults(page);
  await check("the playground with two runs: nothing serious", !serious.length, serious);
  const { exchanges } = await api("exchanges?limit=2");
  await check("what was played is marked", exchanges.every((row) => row.source === "playground"), exchanges);
  await check("and nothing was reported", quiet(seen), seen);
  await context.close();
}

browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
const began = Date.now();
const empty = await open({ width: 360, height: 780 });
await check("an empty page says what to do", (await empty.page.locator(".empty code").innerText()).includes("curl -N"));
await empty.page.screenshot({ path: join(FOLDER, "empty-360-light.png") });
await empty.context.close();
await Promise.all([
  ask("Why is the sky blue?"),
  ask("[[call:lookup {\"city\": \"Lisbon\"}]]", { more: { tools: [{ type: "function", function: { name: "lookup", parameters: { type: "object", properties: { city: { type: "string" } } } } }] } }),
  ask("Fail. [[fault:throttling]]", { stream: false }),
]);
const steps = { reasoningLive, howSoon, keysAlone, hostileModel, playground, everyView };
for (const [name, step] of Object.entries(steps)) {
  const at = Date.now();
  await step();
  console.log(`       ${name} took ${((Date.now() - at) / 1000).toFixed(1)} s`);
}
await browser.close();
console.log(`the admin page: all is well, in ${((Date.now() - began) / 1000).toFixed(0)} s`);
