/**
 * Small things that every page of the console uses.
 *
 * What lives here: buttons that copy and save, a choice, text with commands in it, a refusal.
 * What never will: anything that knows sessions.
 */

import { useEffect, useState, type JSX, type ReactNode } from "react";
import type { Refusal } from "../api";
import { csv, type Cell } from "../model/csv";

const TOLD_MS = 2_000;

export function Copy({ text, label = "Copy" }: { readonly text: string; readonly label?: string }): JSX.Element {
  const [done, setDone] = useState("");
  useEffect(() => {
    if (done === "") return;
    const timer = setTimeout(() => setDone(""), TOLD_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(
      () => setDone("Copied"),
      () => setDone("Select it and copy it by hand"),
    );
  };
  return (
    <button type="button" className="c-button c-small" onClick={copy}>
      <span aria-live="polite">{done === "" ? label : done}</span>
    </button>
  );
}

export function saveCsv(name: string, columns: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const url = URL.createObjectURL(new Blob([csv([columns, ...rows])], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), TOLD_MS);
}

export function Choice({
  label,
  value,
  options,
  onChoose,
}: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onChoose: (value: string) => void;
}): JSX.Element {
  return (
    <label className="c-choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.target.value)}>
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Text whose `commands` stand in back-ticks: each can be copied. */
export function Remedy({ text }: { readonly text: string }): JSX.Element {
  const commands = [...text.matchAll(/`([^`]+)`/g)].map(([, command]) => command ?? "");
  return (
    <div className="c-remedy">
      <p>{coded(text)}</p>
      {commands.filter((command) => command.includes(" ")).map((command) => (
        <Command key={command} text={command} />
      ))}
    </div>
  );
}

function coded(text: string): readonly ReactNode[] {
  return text.split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part));
}

export function Command({ text }: { readonly text: string }): JSX.Element {
  return (
    <div className="c-command">
      <code>{text}</code>
      <Copy text={text} />
    </div>
  );
}

export function Refused({ refusal }: { readonly refusal: Refusal }): JSX.Element {
  return (
    <div className="c-refused" role="alert">
      <p>
        <strong>{refusal.message}</strong>
      </p>
      {refusal.remedy !== undefined && refusal.remedy !== "" && <Remedy text={refusal.remedy} />}
    </div>
  );
}

/** A figure with its name, in a `<dl>`. */
export function Fact({
  name,
  children,
  tone,
}: {
  readonly name: string;
  readonly children: ReactNode;
  readonly tone?: "bad" | "unsure" | undefined;
}): JSX.Element {
  return (
    <div data-tone={tone}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
