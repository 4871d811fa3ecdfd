// The admin page: where it begins.
import { post, readSession, session } from "./api.js";
import { html, render, useEffect } from "./lib.js";
import { route } from "./route.js";
import { Head, Loading, Login, Problem, Shell, say } from "./shell.js";
import { Configuration } from "./views/config.js";
import { Exchange } from "./views/exchange.js";
import { Exchanges } from "./views/exchanges.js";
import { Models } from "./views/models.js";
import { Now } from "./views/now.js";
import { Playground } from "./views/play.js";
import { Routing } from "./views/routing.js";
import { Setup } from "./views/setup.js";
import { Streams } from "./views/streams.js";

const VIEWS = {
  "": [Now, "Now"],
  streams: [Streams, "Streams"],
  exchanges: [Exchanges, "Exchanges"],
  x: [Exchange, "Exchange"],
  routing: [Routing, "Backends and routes"],
  config: [Configuration, "Configuration"],
  models: [Models, "Models"],
  play: [Playground, "Playground"],
  setup: [Setup, "Setup"],
};

const Missing = () => html`<${Head} title="Nothing is here" /><p><a href="#/">Now</a> is where everything begins.</p>`;

const App = () => {
  const who = session.value;
  const first = route.value.parts[0] ?? "";
  const [View, title] = VIEWS[first] ?? [Missing, "Nothing is here"];
  // Whoever hears the page is told that another view is shown.
  useEffect(() => {
    const heading = document.querySelector("main h1");
    if (heading && document.activeElement === document.body) heading.setAttribute("tabindex", "-1");
  }, [first]);
  if (!who) return html`<main class="login"><${Loading} /></main>`;
  if (who.error) return html`<main class="login"><div class="login-card"><h1>Aquifer</h1><${Problem} error=${{ message: who.error }} reload=${readSession} /></div></main>`;
  if (who.needs_token && !who.authenticated) return html`<${Login} />`;
  return html`<${Shell} title=${title}><${View} key=${first} /></${Shell}>`;
};

const begin = async () => {
  // A token in the address is exchanged for a session, and leaves the address before anything else is done.
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", "#/");
    try {
      await post("session", { token: decodeURIComponent(token) });
    } catch (error) {
      say(error.message);
    }
  }
  await readSession();
  const root = document.getElementById("app");
  root.textContent = "";
  render(html`<${App} />`, root);
};

begin();
