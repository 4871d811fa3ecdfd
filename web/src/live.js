// The one stream of events of this tab: its topics are those of the components that are shown.
import { API, readSession } from "./api.js";
import { signal, useEffect, useRef } from "./lib.js";

/** `off`, `connecting`, `live`, `waiting` (it broke and is tried again), `paused`. */
export const liveState = signal("off");
export const paused = signal(false);
/** Events that the server left out for us, because we were slow. */
export const lost = signal(0);

const EVENTS = ["stats", "streams", "exchanges", "backends", "text", "reset"];
const listeners = new Set();
let source = null;
let topics = "";
let timer = null;
let failures = 0;

const wanted = () => [...new Set([...listeners].map(listener => listener.topic))].sort().join(",");

const close = state => {
  source?.close();
  source = null;
  topics = "";
  liveState.value = state;
};

const hand = (name, event) => {
  let data;
  try {
    data = JSON.parse(event.data || "null");
  } catch {
    return;
  }
  for (const listener of [...listeners]) {
    const [topic, id] = listener.topic.split(":");
    if (name === "reset" || (topic === name && (id == null || data?.id === id))) listener.call(data, name);
  }
};

const connect = () => {
  clearTimeout(timer);
  timer = null;
  const now = wanted();
  if (!now) return close("off");
  if (document.hidden) return close("paused");
  if (paused.value) return close("paused");
  if (source && topics === now && source.readyState !== EventSource.CLOSED) return undefined;
  source?.close();
  topics = now;
  liveState.value = "connecting";
  source = new EventSource(`${API}live?topics=${encodeURIComponent(now).replaceAll("%2C", ",").replaceAll("%3A", ":")}`);
  const mine = source;
  source.onopen = () => {
    failures = 0;
    liveState.value = "live";
  };
  source.onerror = () => {
    if (mine !== source) return;
    liveState.value = "waiting";
    if (source.readyState === EventSource.CLOSED) {
      close("waiting");
      failures += 1;
      readSession();
      timer = setTimeout(connect, Math.min(30_000, 1000 * 2 ** failures));
    }
  };
  for (const name of EVENTS) source.addEventListener(name, event => hand(name, event));
  source.addEventListener("lost", event => {
    try {
      lost.value += JSON.parse(event.data).n ?? 1;
    } catch {
      lost.value += 1;
    }
  });
  return undefined;
};

const settle = () => {
  clearTimeout(timer);
  timer = setTimeout(connect, 30);
};

document.addEventListener("visibilitychange", connect);
paused.subscribe(() => settle());

/** Tells a component of a topic's events while it is shown. */
export const useLive = (topic, call) => {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    if (!topic) return undefined;
    const listener = { topic, call: (data, name) => latest.current(data, name) };
    listeners.add(listener);
    settle();
    return () => {
      listeners.delete(listener);
      settle();
    };
  }, [topic]);
};
