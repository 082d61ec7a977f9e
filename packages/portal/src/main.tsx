/** Starts the portal: the shell around the page that the address names, and the service worker that keeps it offline. */
import { render } from "preact";
import { App } from "./app.tsx";
import { scriptUrl } from "./trusted-url.ts";
import "./style/main.scss";

const root = document.querySelector("#app");
if (root !== null) render(<App />, root);

// After the first page is there: what is kept for later must not compete with it.
addEventListener("load", () => {
  navigator.serviceWorker?.register(scriptUrl("/sw.js")).catch(() => {}); // without it the portal needs the network, no more
});
