const MINUTE_MS = 60_000;

/** The start of the minute that a time falls into, in milliseconds since 1970. */
export function minuteOf(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}

/** The start of the next minute, or the time itself if it is the start of a minute. */
export function minuteEndOf(time: number): number {
  return Math.ceil(time / MINUTE_MS) * MINUTE_MS;
}
