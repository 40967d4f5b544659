/**
 * The door, where the gateway wants an operator's key.
 *
 * What lives here: one field. What never will: the key, once it was sent: a cookie that scripts cannot read stands for it.
 */

import { useState, type FormEvent, type JSX } from "react";
import type { Refusal } from "../api";
import { useConsole, useTitle } from "./hooks";
import { Refused } from "./parts";

export function SignIn(): JSX.Element {
  const console = useConsole();
  const [refusal, setRefusal] = useState<Refusal>();
  const [asking, setAsking] = useState(false);
  useTitle("Sign in · Holdfast console");
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
