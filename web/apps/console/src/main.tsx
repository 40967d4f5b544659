/**
 * The operator's console: one connection, one page.
 *
 * What lives here: putting them together. What never will: anything a test could want to look at alone.
 */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./console.css";
import { Console } from "./model/console";
import { App } from "./ui/App";
import { ConsoleContext } from "./ui/hooks";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");

const operator = new Console({ fetch: fetch.bind(globalThis), EventSource, now: () => Date.now() });
createRoot(root).render(
  <StrictMode>
    <ConsoleContext value={operator}>
      <App />
    </ConsoleContext>
  </StrictMode>,
);
void operator.start();
