// What the suites of Claude Code share: homes that nobody used before, tasks in them, and checks.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CLAUDE = fileURLToPath(new URL("node_modules/@anthropic-ai/claude-code-linux-x64/claude", import.meta.url));
const place = mkdtempSync(join(tmpdir(), "aquifer-claude-code-"));
let homes = 0;

// Takes the homes away.
export function leave() {
  rmSync(place, { recursive: true, force: true });
}

export function check(name, right, seen) {
  console.log(`${right ? "ok    " : "WRONG "}${name}`);
  if (!right) {
    console.log(`seen: ${JSON.stringify(seen, null, 1)}`.slice(0, 6000));
    leave();
    process.exit(1);
  }
}

// A home and a folder to work in, which nobody used before.
export function fresh() {
  const home = join(place, `${homes++}`);
  mkdirSync(join(home, "work"), { recursive: true });
  return home;
}

// Runs a task to its end; gives its exit code and what its user sees.
export function run(home, model, task, env, more = []) {
  return new Promise((resolve) => {
    const child = spawn(CLAUDE, ["-p", task, "--model", model, "--allowedTools", "Bash", ...more], {
      cwd: join(home, "work"),
      env: {
        PATH: process.env.PATH,
        HOME: home,
        CLAUDE_CONFIG_DIR: join(home, ".claude"),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_TELEMETRY: "1",
        DISABLE_ERROR_REPORTING: "1",
        DISABLE_AUTOUPDATER: "1",
        CLAUDE_CODE_MAX_RETRIES: "1",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 150_000,
    });
    let said = "";
    child.stdout.on("data", (piece) => (said += piece));
    child.stderr.on("data", (piece) => (said += piece));
    child.on("close", (code) => resolve({ code, said }));
  });
}
