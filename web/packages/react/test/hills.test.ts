import { describe, expect, it } from "vitest";
import { COLUMNS, Hills } from "../src/parts/hills";

describe("the hills", () => {
  it("stay flat, and ask for no frame, for the sound of a room", () => {
    const hills = new Hills();
    expect(hills.hear("user", 0.002)).toBe(false);
    hills.advance();
    expect(Math.max(...hills.user)).toBe(0);
  });

  it("rise for a voice, and want frames until it has passed by", () => {
    const hills = new Hills();
    expect(hills.hear("assistant", 0.2)).toBe(true);
    let columns = 0;
    while (hills.advance()) columns += 1;
    expect(columns).toBeGreaterThan(COLUMNS);
    expect(columns).toBeLessThan(COLUMNS + 20);
    expect(Math.max(...hills.assistant)).toBeLessThan(0.001);
    expect(hills.hear("assistant", 0)).toBe(false);
  });
});
