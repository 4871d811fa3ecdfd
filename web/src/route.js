// Where we are: `#/path/part?name=value`.
import { signal } from "./lib.js";

const read = () => {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(part => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { parts, query: new URLSearchParams(query ?? "") };
};

export const route = signal(read());
/** The path, query and all, that one came from. */
export const cameFrom = signal(null);
let here = location.hash;

window.addEventListener("hashchange", () => {
  const before = here;
  here = location.hash;
  const old = route.value;
  route.value = read();
  if (old.parts[0] !== route.value.parts[0]) {
    cameFrom.value = before;
    window.scrollTo(0, 0);
  }
});

export const go = path => {
  location.hash = path;
};

/** Changes the address without a step in the browser's history. */
export const replace = path => {
  history.replaceState(null, "", path);
  here = path;
  route.value = read();
};
