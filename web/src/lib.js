// What every part of the page is made with: elements by templates, values that change, and small hooks.
import { Fragment, h, render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { batch, computed, effect, signal } from "@preact/signals";
import htm from "htm";

export const html = htm.bind(h);
export { Fragment, batch, computed, effect, h, render, signal, useEffect, useMemo, useRef, useState };

/** The width of an element in pixels, followed as it changes. */
export const useWidth = initial => {
  const ref = useRef(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    if (!ref.current) return undefined;
    const observer = new ResizeObserver(entries => setWidth(Math.floor(entries[0].contentRect.width)));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
};

/** Calls a function every so many milliseconds while the component is shown and the page is seen. */
export const useInterval = (call, every) => {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    if (!every) return undefined;
    const timer = setInterval(() => document.hidden || latest.current(), every);
    return () => clearInterval(timer);
  }, [every]);
};

/** What a browser remembers of a person's choice; nothing where it may not. */
export const remembered = (key, fallback) => {
  let first = fallback;
  try {
    first = JSON.parse(localStorage.getItem(`aquifer.${key}`)) ?? fallback;
  } catch {
    // Storage may be switched off.
  }
  const value = signal(first);
  effect(() => {
    const text = JSON.stringify(value.value);
    try {
      localStorage.setItem(`aquifer.${key}`, text);
    } catch {
      // As above.
    }
  });
  return value;
};
