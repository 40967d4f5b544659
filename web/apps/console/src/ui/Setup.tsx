/**
 * Whether this gateway is set up as it should be, with what to do where it is not.
 *
 * What lives here: the doctor's checks as a page. What never will: the checks.
 */

import { useEffect, type JSX } from "react";
import type { Check } from "../api";
import { duration } from "../model/format";
import { useConsole, useTitle, useTold } from "./hooks";
import { Refused, Remedy } from "./parts";
import { STATUSES, capital, many, named } from "./words";

const ORDER: Readonly<Record<string, number>> = { failed: 0, warning: 1, ok: 2, skipped: 3 };
const SIGNS: Readonly<Record<string, string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "–" };

export function SetupPage(): JSX.Element {
  const console = useConsole();
  const asked = useTold((state) => state.checks);
  useEffect(() => void console.checks(), [console]);
  useTitle("Set-up · Holdfast console");
  const checks = [...(asked?.value?.checks ?? [])].sort(
    (one, other) => (ORDER[one.status] ?? 0) - (ORDER[other.status] ?? 0),
  );
  return (
    <>
      <div className="c-head">
        <h1 className="c-headline">{headline(checks, asked?.asking === true)}</h1>
        <button type="button" className="c-button" disabled={asked?.asking} onClick={() => void console.checks()}>
          {asked?.asking === true ? "Checking …" : "Check again"}
        </button>
      </div>
      {asked?.refusal !== undefined && <Refused refusal={asked.refusal} />}
      <ul className="c-checks" aria-busy={asked?.asking === true}>
        {checks.map((check) => (
          <CheckItem key={check.id} check={check} />
        ))}
      </ul>
      <p className="c-note">
        The same checks, and those that call the upstream: <code>holdfast doctor</code> in a terminal.
      </p>
    </>
  );
}

function headline(checks: readonly Check[], asking: boolean): string {
  if (checks.length === 0) return asking ? "Checking this gateway …" : "Nothing was checked.";
  const failed = checks.filter(({ status }) => status === "failed").length;
  const warned = checks.filter(({ status }) => status === "warning").length;
  if (failed > 0) return `${many(failed, "check")} failed.`;
  return warned > 0 ? `It works; ${many(warned, "thing")} to know.` : "Everything is set up as it should be.";
}

function CheckItem({ check }: { readonly check: Check }): JSX.Element {
  const { id, name, status, detail = "", fault, ms } = check;
  const remedy = fault?.remedy ?? check.remedy ?? "";
  return (
    <li data-status={status}>
      <span className="c-sign" role="img" aria-label={named(STATUSES, status)}>
        {SIGNS[status] ?? "?"}
      </span>
      <div>
        <p>
          <strong>{capital(name)}</strong> <code className="c-note">{id}</code>
        </p>
        {detail !== "" && (status === "ok" ? <p>{detail}</p> : <Remedy text={detail} />)}
        {fault !== undefined && fault.message !== detail && <p>{fault.message}</p>}
        {remedy !== "" && status !== "ok" && <Remedy text={remedy} />}
      </div>
      <span className="r-number c-note">{ms === undefined ? "" : duration(ms)}</span>
    </li>
  );
}
