/**
 * What is shown while there is nothing to show: how to make a first call, and how to read what will be here.
 *
 * What lives here: the lesson. What never will: real sessions.
 */

import { type JSX } from "react";
import type { Row } from "../api";
import { Command } from "./parts";
import { Strip } from "./Strip";

const LESSONS: readonly { readonly health: Row["health"]; readonly text: string }[] = [
  {
    health: { microphone: "good", network: "good", gateway: "good", upstream: "good", speaker: "good" },
    text: "All well: sound goes from the user’s microphone to the model and back to the user’s speaker.",
  },
  {
    health: { microphone: "good", network: "good", gateway: "good", upstream: "bad", speaker: "good" },
    text: "The line is broken at the upstream: the gateway holds the user’s words and dials again.",
  },
  {
    health: { microphone: "unsure", network: "good", gateway: "good", upstream: "good", speaker: "none" },
    text: "The microphone may be silent, and this client does not tell how its speaker does.",
  },
];

/** `talk` knows the usual address by itself. */
function command(): string {
  const usual = location.host === "127.0.0.1:8080";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const url = usual ? "" : ` --url ${scheme}://${location.host}/api/openai/realtime`;
  return `holdfast talk${url} --text "When is my next payment due?"`;
}

export function FirstRun(): JSX.Element {
  return (
    <div className="c-first">
      <section>
        <h2>Make a call, and watch it here</h2>
        <p>This one command is a caller. Its conversation appears within a second.</p>
        <Command text={command()} />
        <p>
          Or <a href="/">talk to the assistant</a> in another tab. To see what trouble looks like, put{" "}
          <code>holdfast emulate</code> in the place of the model: it fails on demand.
        </p>
      </section>
      <section>
        <h2>How to read a row</h2>
        <ul className="c-lessons">
          {LESSONS.map(({ health, text }) => (
            <li key={text}>
              <Strip health={health} />
              <span>{text}</span>
            </li>
          ))}
        </ul>
        <p>Who needs you stands at the top. The order waits while your pointer is on the list.</p>
      </section>
      <p className="c-note">
        Is something not set up yet? <a href="#/setup">Look at the checks</a>.
      </p>
    </div>
  );
}
