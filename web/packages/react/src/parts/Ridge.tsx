/**
 * Voices as a ridge: the sound of the last seconds draws a line of hills, the person's in front, the
 * assistant's behind. With reduced motion it is a plain bar.
 *
 * What lives here: drawing. Levels come past React; nothing here renders twenty times a second.
 */

import type { LevelSide } from "@holdfast/client";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { useLevels, useReducedMotion } from "../hooks";
import { useWords } from "../provider";
import { COLUMNS, Hills, height } from "./hills";

/** With the wait for the screen's next frame a column takes a twentieth of a second. */
const PAUSE_MS = 42;

export function Ridge(): ReactNode {
  return useReducedMotion() ? <LevelBar /> : <RidgeCanvas />;
}

function RidgeCanvas(): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hills] = useState(() => new Hills());
  const wake = useRef<() => void>(() => undefined);

  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d") ?? undefined;
    if (element === null || pen === undefined) return undefined;
    let frame: number | undefined;
    let pause: ReturnType<typeof setTimeout> | undefined;
    let colours = coloursOf(element);
    const next = (): void => {
      frame = requestAnimationFrame(step);
    };
    const step = (): void => {
      const moves = hills.advance();
      draw(element, pen, hills, colours);
      frame = undefined;
      // Twenty columns a second, and no frame between them. Flat land needs none; the next sound wakes it.
      pause = moves ? setTimeout(next, PAUSE_MS) : undefined;
    };
    wake.current = () => {
      if (frame !== undefined || pause !== undefined) return;
      colours = coloursOf(element);
      next();
    };
    const resized = new ResizeObserver(() => {
      element.width = Math.round(element.clientWidth * devicePixelRatio);
      element.height = Math.round(element.clientHeight * devicePixelRatio);
      draw(element, pen, hills, colours);
    });
    resized.observe(element);
    return () => {
      resized.disconnect();
      clearTimeout(pause);
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [hills]);

  useLevels(
    useCallback(
      (side: LevelSide, peak: number) => {
        if (hills.hear(side, peak)) wake.current();
      },
      [hills],
    ),
  );
  return <canvas ref={canvas} className="hf-ridge" aria-hidden="true" />;
}

/** The assistant's and the person's. Looking them up costs as much as drawing: they are read when a sound begins. */
function coloursOf(element: Element): readonly [string, string] {
  const style = getComputedStyle(element);
  return [style.getPropertyValue("--hf-voice-assistant"), style.getPropertyValue("--hf-voice-user")];
}

function draw(
  { width, height: tall }: HTMLCanvasElement,
  pen: CanvasRenderingContext2D,
  hills: Hills,
  [assistant, user]: readonly [string, string],
): void {
  pen.clearRect(0, 0, width, tall);
  range(pen, hills.assistant, width, tall, assistant);
  range(pen, hills.user, width, tall, user);
}

/** One silhouette: filled softly, outlined clearly. */
function range(
  pen: CanvasRenderingContext2D,
  heights: Float32Array,
  width: number,
  tall: number,
  colour: string,
): void {
  const ratio = devicePixelRatio;
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
