/**
 * Voices as a ridge: the sound of the last seconds draws a line of hills, the person's in front, the
 * assistant's behind. With reduced motion it is a plain bar.
 *
 * What lives here: drawing. Levels come past React; nothing here renders thirty times a second.
 */

import type { LevelSide } from "@holdfast/client";
import { useCallback, useEffect, useRef, type ReactNode } from "react";
import { useLevels, useReducedMotion } from "../hooks";
import { useWords } from "../provider";

const COLUMNS = 120;
/** Speech lives between these levels; below is the room, above is shouting. */
const FLOOR_DB = -48;
const SMOOTHING = 0.45;

export function Ridge(): ReactNode {
  return useReducedMotion() ? <LevelBar /> : <RidgeCanvas />;
}

/** A peak (0..1) as a height (0..1) that looks as loud as it sounds. */
function height(peak: number): number {
  if (peak <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - (20 * Math.log10(peak)) / FLOOR_DB));
}

interface Hills {
  readonly user: Float32Array;
  readonly assistant: Float32Array;
  pendingUser: number;
  pendingAssistant: number;
  quiet: number;
}

function RidgeCanvas(): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const hills = useRef<Hills>({
    user: new Float32Array(COLUMNS),
    assistant: new Float32Array(COLUMNS),
    pendingUser: 0,
    pendingAssistant: 0,
    quiet: 0,
  });
  const frame = useRef<number | undefined>(undefined);
  const wake = useRef<() => void>(() => undefined);

  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d") ?? undefined;
    if (element === null || pen === undefined) return undefined;
    let odd = false;
    const step = (): void => {
      // Thirty columns a second, whatever the screen does.
      odd = !odd;
      if (odd) advance(hills.current);
      draw(element, pen, hills.current);
      // Flat land needs no frames; the next sound wakes it.
      frame.current = hills.current.quiet > COLUMNS ? undefined : requestAnimationFrame(step);
    };
    wake.current = () => {
      frame.current ??= requestAnimationFrame(step);
    };
    const resized = new ResizeObserver(() => draw(element, pen, hills.current));
    resized.observe(element);
    return () => {
      resized.disconnect();
      if (frame.current !== undefined) cancelAnimationFrame(frame.current);
      frame.current = undefined;
    };
  }, []);

  useLevels(
    useCallback((side: LevelSide, peak: number) => {
      const now = hills.current;
      if (side === "user") now.pendingUser = Math.max(now.pendingUser, height(peak));
      else now.pendingAssistant = Math.max(now.pendingAssistant, height(peak));
      if (peak > 0) {
        now.quiet = 0;
        wake.current();
      }
    }, []),
  );
  return <canvas ref={canvas} className="hf-ridge" aria-hidden="true" />;
}

function advance(hills: Hills): void {
  const { user, assistant } = hills;
  user.copyWithin(0, 1);
  assistant.copyWithin(0, 1);
  const last = COLUMNS - 1;
  user[last] = user[last - 1]! * SMOOTHING + hills.pendingUser * (1 - SMOOTHING);
  assistant[last] = assistant[last - 1]! * SMOOTHING + hills.pendingAssistant * (1 - SMOOTHING);
  hills.quiet = hills.pendingUser + hills.pendingAssistant > 0.02 ? 0 : hills.quiet + 1;
  hills.pendingUser = 0;
  hills.pendingAssistant = 0;
}

function draw(element: HTMLCanvasElement, pen: CanvasRenderingContext2D, hills: Hills): void {
  const ratio = devicePixelRatio;
  const width = Math.round(element.clientWidth * ratio);
  const tall = Math.round(element.clientHeight * ratio);
  if (element.width !== width || element.height !== tall) {
    element.width = width;
    element.height = tall;
  }
  pen.clearRect(0, 0, width, tall);
  const style = getComputedStyle(element);
  range(pen, hills.assistant, width, tall, style.getPropertyValue("--hf-voice-assistant"), ratio);
  range(pen, hills.user, width, tall, style.getPropertyValue("--hf-voice-user"), ratio);
}

/** One silhouette: filled softly, outlined clearly. */
function range(
  pen: CanvasRenderingContext2D,
  heights: Float32Array,
  width: number,
  tall: number,
  colour: string,
  ratio: number,
): void {
  const step = width / (COLUMNS - 1);
  // Silence lies just below the edge: flat land has no line.
  const y = (index: number): number => tall + ratio - heights[index]! * (tall - 3 * ratio);
  pen.beginPath();
  pen.moveTo(0, y(0));
  for (let index = 1; index < COLUMNS; index += 1) {
    const middle = (index - 0.5) * step;
    pen.quadraticCurveTo((index - 1) * step, y(index - 1), middle, (y(index - 1) + y(index)) / 2);
  }
  pen.lineTo(width, y(COLUMNS - 1));
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5 * ratio;
  pen.stroke();
  pen.lineTo(width, tall);
  pen.lineTo(0, tall);
  pen.closePath();
  pen.globalAlpha = 0.16;
  pen.fillStyle = colour;
  pen.fill();
  pen.globalAlpha = 1;
}

function LevelBar(): ReactNode {
  const { labels } = useWords();
  const bar = useRef<HTMLSpanElement>(null);
  useLevels(
    useCallback((side: LevelSide, peak: number) => {
      if (side === "user") bar.current?.style.setProperty("transform", `scaleX(${height(peak).toFixed(3)})`);
    }, []),
  );
  return (
    <div className="hf-levelbar" role="img" aria-label={labels.level}>
      <span ref={bar} />
    </div>
  );
}
