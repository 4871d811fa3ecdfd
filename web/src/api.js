// The admin API: one function a kind of call, errors as they are told, and the session.
import { signal, useEffect, useRef, useState } from "./lib.js";

/** The path of the API, beside the page. */
export const API = new URL("api/v1/", document.baseURI).pathname;

export const session = signal(null);
export const clientUrl = signal(null);

export class ApiError extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const told = async response => {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    return new ApiError(response.status, error.message ?? text, error.code);
  } catch {
    return new ApiError(response.status, text.slice(0, 300) || `the answer was ${response.status}`, null);
  }
};

export const call = async (path, options = {}) => {
  let response;
  try {
    response = await fetch(API + path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "the gateway does not answer", null);
  }
  if (response.status === 401) readSession();
  if (!response.ok) throw await told(response);
  return response;
};

export const get = async (path, signal) => (await call(path, { signal })).json();

export const post = (path, body, signal) =>
  call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });

export const may = scope => Boolean(session.value?.scopes?.includes(scope));

let reading = null;
/** Asks who we are; the first answer decides what is shown. */
export const readSession = () => {
  reading ??= fetch(`${API}session`, { credentials: "same-origin" })
    .then(async response => {
      if (!response.ok) throw await told(response);
      session.value = await response.json();
      // A listener on every address is called by the name that this page was called by.
      const first = session.value.client_urls?.[0]?.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])/, `$1${location.hostname}`);
      clientUrl.value = first ?? `${location.protocol}//${location.hostname}:1975`;
    })
    .catch(error => {
      session.value = { authenticated: false, needs_token: false, scopes: [], error: error.message || "the gateway does not answer" };
    })
    .finally(() => {
      reading = null;
    });
  return reading;
};

/** Something that is fetched: again where `key` changes, when asked to, and every so many milliseconds. */
export const useFetched = (path, { every = 0 } = {}) => {
  const [state, setState] = useState({ data: null, error: null, path: null });
  const [round, setRound] = useState(0);
  const shown = useRef(null);
  useEffect(() => {
    if (path == null) return undefined;
    const aborter = new AbortController();
    const fetchIt = () =>
      get(path, aborter.signal).then(
        data => setState({ data, error: null, path }),
        error => error.name === "AbortError" || setState(before => ({ data: before.path === path ? before.data : null, error, path })),
      );
    fetchIt();
    const timer = every ? setInterval(() => document.hidden || fetchIt(), every) : null;
    shown.current = path;
    return () => {
      aborter.abort();
      clearInterval(timer);
    };
  }, [path, round, every]);
  const fresh = state.path === path;
  return {
    data: fresh ? state.data : null,
    error: fresh ? state.error : null,
    reload: () => setRound(before => before + 1),
  };
};
