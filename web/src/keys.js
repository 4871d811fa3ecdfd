// Single keys: each view says what its own do. They do nothing in fields, and can be switched off.
import { remembered, useEffect, useRef } from "./lib.js";
import { go } from "./route.js";

export const keysOn = remembered("keys", true);

/** What follows `g`. */
export const PLACES = {
  n: ["#/", "Now"],
  s: ["#/streams", "Streams"],
  x: ["#/exchanges", "Exchanges"],
  b: ["#/routing", "Backends"],
  c: ["#/config", "Configuration"],
  m: ["#/models", "Models"],
  p: ["#/play", "Playground"],
  u: ["#/setup", "Setup"],
};

const maps = [];
let leading = 0;

const inField = element =>
  element instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);

const onControl = element => element instanceof HTMLElement && Boolean(element.closest("button, a, summary, [role=tab], [role=radio]"));

const pressed = event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const { key, target } = event;
  if (inField(target)) {
    if (key === "Escape") target.blur();
    return;
  }
  const run = name => {
    for (let at = maps.length - 1; at >= 0; at -= 1) {
      const action = maps[at].current[name];
      if (action && action(event) !== false) {
        event.preventDefault();
        return true;
      }
    }
    return false;
  };
  if (document.querySelector("dialog[open]")) {
    if (key === "?" && keysOn.value) run(key);
    return;
  }
  if (key === "Escape") {
    run("Escape");
    return;
  }
  if (key === "Enter" || key === " ") {
    if (!onControl(target) && (key === "Enter" || keysOn.value)) run(key === " " ? "space" : "Enter");
    return;
  }
  if (!keysOn.value) return;
  if (leading && Date.now() - leading < 1500) {
    leading = 0;
    const place = PLACES[{ o: "n", l: "s" }[key] ?? key];
    if (place) {
      event.preventDefault();
      go(place[0]);
    }
    return;
  }
  leading = 0;
  if (key === "g") {
    leading = Date.now();
    return;
  }
  run(key);
};

document.addEventListener("keydown", pressed);

/** The keys of a component while it is shown; those of the last one shown come first. */
export const useKeys = map => {
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => {
    maps.push(latest);
    return () => {
      maps.splice(maps.indexOf(latest), 1);
    };
  }, []);
};
