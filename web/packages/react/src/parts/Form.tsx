/**
 * What voice alone may not do: the assistant opens the form, the person fills it in.
 *
 * What lives here: the demo portal's forms as a table, and a panel. In the demo nothing is sent anywhere, and
 * the panel says so. A portal passes its own `renderForm` instead.
 */

import type { OpenForm } from "@holdfast/client";
import { useId, useLayoutEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useVoice } from "../hooks";
import { useVoiceClient, useWords } from "../provider";

interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "number" | "file";
  readonly autoComplete?: string;
  readonly min?: number;
  readonly max?: number;
}

interface Sheet {
  readonly target: RegExp;
  readonly title: string;
  readonly why: string;
  readonly submit: string;
  readonly fields: readonly Field[];
}

const SHEETS: readonly Sheet[] = [
  {
    target: /address/,
    title: "Change your address",
    why: "Letters and statements go to this address.",
    submit: "Save address",
    fields: [
      { name: "street", label: "Street and number", autoComplete: "street-address" },
      { name: "postcode", label: "Postcode", autoComplete: "postal-code" },
      { name: "city", label: "Town or city", autoComplete: "address-level2" },
    ],
  },
  {
    target: /bank|account/,
    title: "Change your bank account",
    why: "Payments are collected from this account.",
    submit: "Save bank account",
    fields: [
      { name: "holder", label: "Account holder", autoComplete: "name" },
      { name: "iban", label: "Account number (IBAN)", autoComplete: "off" },
    ],
  },
  {
    target: /due|date/,
    title: "Change your due date",
    why: "The day of the month on which payments are collected.",
    submit: "Save due date",
    fields: [{ name: "day", label: "Day of the month (1 to 28)", type: "number", min: 1, max: 28 }],
  },
  {
    target: /upload|document/,
    title: "Upload a document",
    why: "A photo or a PDF is fine.",
    submit: "Upload",
    fields: [{ name: "file", label: "File", type: "file" }],
  },
  {
    target: /call/,
    title: "Be called back",
    why: "A colleague rings you at this number.",
    submit: "Ask for a call",
    fields: [
      { name: "phone", label: "Phone number", autoComplete: "tel" },
      { name: "when", label: "When suits you" },
    ],
  },
];

const OTHER: Omit<Sheet, "target"> = {
  title: "Your request",
  why: "This is done in a form, not by voice.",
  submit: "Continue",
  fields: [],
};

export function FormPanel(): ReactNode {
  const form = useVoice((state) => state.form);
  return form === undefined ? null : <Panel key={form.target} form={form} />;
}

function Panel({ form }: { form: OpenForm }): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const panel = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [sent, setSent] = useState(false);
  const title = useId();
  const sheet = SHEETS.find(({ target }) => target.test(form.target)) ?? OTHER;
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    heading.current?.focus();
    // Who has gone on to something else stays there.
    return () => {
      if (panel.current?.contains(document.activeElement)) before?.focus();
    };
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setSent(true);
  };
  return (
    <div className="hf-panel" role="dialog" aria-labelledby={title} ref={panel}>
      <h2 id={title} tabIndex={-1} ref={heading}>
        {sheet.title}
      </h2>
      <p className="hf-panel-why">{sheet.why}</p>
      <form onSubmit={submit}>
        {sheet.fields.map((field) => (
          <FormField key={field.name} field={field} value={form.arguments[field.name]} />
        ))}
        <p className="hf-panel-sent" role="status">
          {sent ? "Nothing was changed: this is a demo." : ""}
        </p>
        <div className="hf-panel-actions">
          <button type="submit" className="hf-button hf-primary" disabled={sent}>
            {sheet.submit}
          </button>
          <button type="button" className="hf-button" onClick={() => client.closeForm()}>
            {labels.close}
          </button>
        </div>
      </form>
    </div>
  );
}

function FormField({ field, value }: { field: Field; value: unknown }): ReactNode {
  const known = typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  const { name, label, type = "text", autoComplete, min, max } = field;
  return (
    <label className="hf-field">
      <span>{label}</span>
      <input
        className="hf-input"
        name={name}
        type={type}
        required
        autoComplete={autoComplete ?? "off"}
        min={min}
        max={max}
        // A file cannot be filled in by anybody but its owner.
        defaultValue={type === "file" ? undefined : known}
      />
    </label>
  );
}
