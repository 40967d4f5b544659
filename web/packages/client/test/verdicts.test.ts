/** Verdicts agree with the gateway's fault table, from which `fault-table.json` is written. */

import { describe, expect, it } from "vitest";
import { closeVerdict } from "../src/verdicts";
import table from "./fault-table.json";

describe("what a close means", () => {
  it.each(Object.entries(table.closes))("is what the gateway means by %s", (code, then) => {
    expect(closeVerdict(Number(code)).do).toBe(then);
  });

  it.each(table.faults.filter(({ closeCode }) => closeCode !== null))("is right for $code", ({ closeCode, then }) => {
    expect(closeVerdict(closeCode ?? 0).do).toBe(then);
  });
});
