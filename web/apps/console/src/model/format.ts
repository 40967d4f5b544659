/**
 * Figures as people read them.
 *
 * What lives here: numbers, durations, times and money to text. What never will: sentences (`words.ts`).
 */

const DASH = "–";

/** 840 ms, 1.24 s, 12.3 s, 4 min 05 s, 3 h 12 min. */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return DASH;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  return long(ms);
}

/** Whole seconds and above: 0 s, 14 s, 4 min 05 s, 3 h 12 min, 2 d 4 h. */
export function long(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${two(Math.floor((s % 3_600) / 60))} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
}

/** At an axis, where every value is round: 0, 500 ms, 1.2 s, 4 s. */
export function tick(ms: number): string {
  if (ms === 0) return "0";
  return ms < 1_000 ? `${ms} ms` : `${Number((ms / 1_000).toFixed(2))} s`;
}

/** The same in one word: 14 s, 4 min, 3 h. */
export function short(ms: number): string {
  const s = Math.max(0, ms / 1_000);
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5_400) return `${Math.round(s / 60)} min`;
  return s < 129_600 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} d`;
}

/** A place in a session: 0:07.3, 4:12.0, 1:02:03.4. */
export function place(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  const s = Math.floor(tenths / 10);
  const tail = `${two(s % 60)}.${tenths % 10}`;
  const minutes = Math.floor(s / 60) % 60;
  return s < 3_600 ? `${minutes}:${tail}` : `${Math.floor(s / 3_600)}:${two(minutes)}:${tail}`;
}

/** A place on an axis: tenths only where its steps are shorter than a second. */
export function placeTick(ms: number, step: number): string {
  const exact = place(ms);
  return step < 1_000 ? exact : exact.slice(0, -2);
}

/** How old the last audio is: `now`, 3 s, 4 min; a dash where there was none. `flows` while told 0. */
export function audioAge(told: number | null | undefined, asOf: number, now: number): string {
  if (told == null) return DASH;
  if (told === 0) return "now";
  const ms = told + Math.max(0, now - asOf);
  return ms < 1_500 ? "now" : short(ms);
}

const SYMBOLS: Readonly<Record<string, string>> = { USD: "$", EUR: "€", GBP: "£" };

/** $0.0042, $0.31, $12.40: as many digits as it takes to see something. */
export function money(amount: number | null | undefined, currency = "USD"): string {
  if (amount == null) return DASH;
  const digits = amount === 0 || amount >= 0.1 ? 2 : 4;
  const sign = SYMBOLS[currency] ?? `${currency} `;
  return `${sign}${amount.toFixed(digits)}`;
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

export function count(number: number): string {
  return number.toLocaleString("en");
}

/** 14:05:09, in the reader's own zone, or in one that is named. */
export function clock(at: number, zone?: string): string {
  return timeFormat("second", zone).format(at);
}

/** 14:05. */
export function minute(at: number, zone?: string): string {
  return timeFormat("minute", zone).format(at);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function timeFormat(unit: "second" | "minute", zone: string | undefined): Intl.DateTimeFormat {
  const key = `${unit} ${zone ?? ""}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(unit === "second" ? { second: "2-digit" } : {}),
    ...(zone === undefined ? {} : { timeZone: zone }),
  });
  formats.set(key, made);
  return made;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** `provider_session` -> "provider session". */
export function plain(word: string): string {
  return word.replaceAll("_", " ");
}
