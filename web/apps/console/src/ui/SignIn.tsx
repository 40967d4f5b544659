/**
 * The door, where the gateway wants an operator's key.
 *
 * What lives here: one field. What never will: the key, once it was sent: a cookie that scripts cannot read stands for it.
 */

import { useState, type FormEvent, type JSX } from "react";
import type { Refusal } from "../api";
import { useConsole, useTitle, useTold } from "./hooks";
import { Refused, Remedy } from "./parts";

/** Some gateways have no operators: then a key would not help, and they say what does. */
export function Door(): JSX.Element {
  const me = useTold((state) => state.me);
  useTitle("Sign in · Holdfast console");
  if (me?.needsKey !== false) return <SignIn />;
  return (
    <div className="c-signin">
      <h1 className="c-headline">This console is closed.</h1>
      <Remedy text={me.reason ?? "Configure an operator’s key: `[console] keys`."} />
    </div>
  );
}

function SignIn(): JSX.Element {
  const console = useConsole();
  const [refusal, setRefusal] = useState<Refusal>();
  const [asking, setAsking] = useState(false);
  const enter = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const key = new FormData(event.currentTarget).get("key");
    setAsking(true);
    void console.signIn(typeof key === "string" ? key : "").then((refused) => {
      setRefusal(refused);
      setAsking(false);
    });
  };
  return (
    <form className="c-signin" onSubmit={enter}>
      <h1 className="c-headline">This console wants an operator’s key.</h1>
      <label className="c-choice">
        <span>Operator’s key</span>
        <input name="key" type="password" autoComplete="current-password" required autoFocus />
      </label>
      <button type="submit" className="c-button c-primary" disabled={asking}>
        Sign in
      </button>
      {refusal !== undefined && <Refused refusal={refusal} />}
    </form>
  );
}
