import { describe, expect, it } from "vitest";
import { byCode, faultsShown, parties } from "../src/model/blame";
import { csv } from "../src/model/csv";
import * as format from "../src/model/format";
import { moments, path, steps, ticks } from "../src/model/plot";
import { address, changed, parse } from "../src/model/route";
import { headline, named, path as way, PARTIES } from "../src/ui/words";
import { fault, WELL } from "./told";

describe("figures", () => {
  it.each([
    [0, "0 ms"], [0.4, "0 ms"], [999, "999 ms"], [999.7, "1.00 s"], [1_240, "1.24 s"], [12_340, "12.3 s"],
    [59_960, "1 min 00 s"], [245_000, "4 min 05 s"], [11_520_000, "3 h 12 min"], [187_200_000, "2 d 4 h"],
    [null, "–"], [Infinity, "–"],
  ])("%s ms is %s", (ms, text) => expect(format.duration(ms)).toBe(text));

  it.each([[0, "$0.00"], [0.0042, "$0.0042"], [0.31, "$0.31"], [12.4, "$12.40"], [null, "–"]])(
    "%s dollars are %s",
    (amount, text) => expect(format.money(amount)).toBe(text),
  );

  it("knows other currencies", () => {
    expect(format.money(2, "EUR")).toBe("€2.00");
    expect(format.money(2, "CHF")).toBe("CHF 2.00");
  });

  it.each([[7_340, "0:07.3"], [252_000, "4:12.0"], [3_723_400, "1:02:03.4"], [-5, "0:00.0"], [59_990, "1:00.0"]])(
    "the place %s is %s",
    (ms, text) => expect(format.place(ms)).toBe(text),
  );

  it("lets the age of audio grow only when it does not flow", () => {
    expect(format.audioAge(0, 1_000, 90_000)).toBe("now");
    expect(format.audioAge(400, 1_000, 1_500)).toBe("now");
    expect(format.audioAge(2_000, 1_000, 4_000)).toBe("5 s");
    expect(format.audioAge(null, 1_000, 4_000)).toBe("–");
  });

  it("tells times in a zone", () => expect(format.clock(0, "UTC")).toBe("00:00:00"));
});

describe("addresses", () => {
  it.each(["#/session/s%2F1?t=14.2", "#/latency?bucket=1000&table=silence", "#/sessions", "#/setup"])(
    "%s is read and written",
    (hash) => expect(address(parse(hash))).toBe(hash),
  );

  it("leads to the list from nowhere", () => {
    expect(parse("")).toEqual({ view: "sessions", params: {} });
    expect(parse("#/no/such?q=x").view).toBe("sessions");
    expect(parse("#/session/")).toMatchObject({ view: "sessions" });
    expect(parse("#/session/%E0%A4%A")).toMatchObject({ view: "session", id: "%E0%A4%A" });
  });

  it("leaves out what is empty", () => {
    const there = changed(parse("#/sessions?q=a&state=live"), { q: "", source: "call" });
    expect(address(there)).toBe("#/sessions?state=live&source=call");
  });
});

describe("files", () => {
  it("are CSV that no spreadsheet takes for a formula", () => {
    expect(csv([["a", "b"], ['say "so", he', -1.5], ["=SUM(A1)", null], ["+49 30", "two\nlines"]])).toBe(
      'a,b\r\n"say ""so"", he",-1.5\r\n\'=SUM(A1),\r\n\'+49 30,"two\nlines"\r\n',
    );
  });
});

describe("pictures", () => {
  it("have round ticks that hold the largest value", () => {
    expect(ticks(4_100)).toEqual([0, 2_000, 4_000, 6_000]);
    expect(ticks(0.64, 3)).toEqual([0, 0.5, 1]);
    expect(ticks(0)).toEqual([0, 1]);
  });

  it("have few moments, never nearer than is useful", () => {
    expect(moments(500, 30_000, 6)).toEqual([5_000, 10_000, 15_000, 20_000, 25_000, 30_000]);
    expect(moments(0, 300_000, 10, 60_000)).toEqual([0, 60_000, 120_000, 180_000, 240_000, 300_000]);
  });

  it("break a line where a value is missing", () => {
    expect(path([[0, 1], [1, 2], [2, undefined], [3, 4]])).toBe("M0 1L1 2M3 4");
    expect(steps([[0, 5], [10, 3]], 9, 20)).toBe("M0 9V5H10V3H20V9Z");
  });
});

describe("blame", () => {
  const faults = [
    fault(1), fault(2, { session: "s2", ended: true }), fault(3, { code: "tool.failed", party: "tool", session: null }),
  ];

  it("counts codes, sessions met and sessions ended, the most frequent first", () => {
    expect(byCode(faults)).toMatchObject([
      { code: "provider.stalled", count: 2, sessions: 2, ended: 1, first: 1_000, last: 2_000 },
      { code: "tool.failed", count: 1, sessions: 0, ended: 0 },
    ]);
  });

  it("narrows by party, code and time", () => {
    expect(faultsShown(faults, { party: "tool" }, 4_000).map(({ id }) => id)).toEqual([3]);
    expect(faultsShown(faults, { span: "10m" }, 601_500).map(({ id }) => id)).toEqual([2, 3]);
    expect(faultsShown(faults, { code: "x" }, 0)).toEqual([]);
  });

  it("has a lane for a party it has never heard of", () => {
    expect(parties([fault(1, { party: "moon" })]).at(-1)).toBe("moon");
    expect(named(PARTIES, "moon_base")).toBe("moon base");
  });
});

describe("sentences", () => {
  it.each([
    [{ needs: 1, unsure: 0, well: 4, ended: 0 }, "One conversation needs you."],
    [{ needs: 3, unsure: 9, well: 0, ended: 0 }, "3 conversations need you."],
    [{ needs: 0, unsure: 1, well: 4, ended: 0 }, "Nobody needs you; one conversation is worth a look."],
    [{ needs: 0, unsure: 0, well: 1, ended: 7 }, "One conversation, and it goes well."],
    [{ needs: 0, unsure: 0, well: 12, ended: 0 }, "All 12 conversations go well."],
    [{ needs: 0, unsure: 0, well: 0, ended: 7 }, "Nobody is talking at the moment."],
  ])("%o", (counts, told) => expect(headline(counts)).toBe(told));

  it("tell the way of the sound, the worst first", () => {
    expect(way(WELL)).toBe("All five places are well");
    expect(way({ ...WELL, network: "unsure", upstream: "bad", speaker: "none" })).toBe(
      "Bad: upstream; unsure: network; not known: speaker",
    );
  });
});
