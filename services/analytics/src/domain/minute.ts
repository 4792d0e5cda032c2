const MINUTE_MS = 60_000;

/** The minute that a time falls into: its beginning, in milliseconds since 1970. */
export function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}

/** The beginning of the next minute, unless the time is one itself. */
export function minuteEndOf(time: number): number {
  return Math.ceil(time / MINUTE_MS) * MINUTE_MS;
}
