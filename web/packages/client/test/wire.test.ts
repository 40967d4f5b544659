import { describe, expect, it } from "vitest";
import { decodeText } from "../src/protocol";
import { decodeDownlink, readU64, uplinkMessage, writeU64 } from "../src/wire";

function downlink(offset: number, stream: number, first: number, samples: number[]): ArrayBuffer {
  const bytes = new ArrayBuffer(24 + samples.length * 2);
  const view = new DataView(bytes);
  writeU64(view, 0, offset);
  view.setUint32(8, stream, true);
  writeU64(view, 16, first);
  new Int16Array(bytes, 24).set(samples);
  return bytes;
}

describe("binary messages", () => {
  it.each([0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 7, 2 ** 52 + 1])("carry the position %d", (position) => {
    const view = new DataView(new ArrayBuffer(8));
    writeU64(view, 0, position);
    expect(view.getBigUint64(0, true)).toBe(BigInt(position));
    expect(readU64(view, 0)).toBe(position);
  });

  it("go up with eight bytes of position and then the samples", () => {
    const { bytes, samples } = uplinkMessage(480, 2);
    samples.set([-1, 258]);
    expect([...new Uint8Array(bytes)]).toEqual([0xe0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 2, 1]);
  });

  it("come down with number, stream and first sample", () => {
    const message = decodeDownlink(downlink(9, 3, 4_800, [1, -2, 3]));
    expect(message).toMatchObject({ offset: 9, stream: 3, first: 4_800 });
    expect([...(message?.pcm ?? [])]).toEqual([1, -2, 3]);
  });

  it.each([0, 8, 23, 25, 27])("of %d bytes are refused", (size) => {
    expect(decodeDownlink(new ArrayBuffer(size))).toBeUndefined();
  });
});

describe("text messages", () => {
  it("are known by their type and the fields one acts on", () => {
    const text = '{"type":"user_transcript","itemId":"u","text":"hi","final":true,"timestamp":"x","offset":4}';
    expect(decodeText(text)).toMatchObject({ offset: 4, message: { type: "user_transcript", text: "hi" } });
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "3"],
    ["null", "null"],
    ["no type", "{}"],
    ["a type of a newer gateway", '{"type":"weather"}'],
    ["the name of an inherited property", '{"type":"toString"}'],
    ["a missing field", '{"type":"user_transcript","itemId":"u","text":"hi"}'],
    ["a field of another kind", '{"type":"audio_received","received":"many"}'],
    ["null for an object", '{"type":"session_ready","upstream":null}'],
    ["an object for a list", '{"type":"snapshot","items":{}}'],
  ])("are ignored when they are %s", (_, text) => {
    expect(decodeText(text).message).toBeUndefined();
  });

  it("are counted although they are not understood", () => {
    expect(decodeText('{"type":"weather","offset":7}')).toEqual({ offset: 7, message: undefined });
  });
});
