/** Where the time comes from. Domain code is handed a time; it never asks for one. */
export interface Clock {
  now(): Date;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() };
