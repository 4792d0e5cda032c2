const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** A process that ran for this long counts as healthy: its next crash counts as the first. */
const WELL_AFTER_MS = 60_000;

/** How long to wait before a process is restarted: 1 s, 2 s, 4 s, … 30 s. */
export function createBackoff() {
  let waitMs = FIRST_MS;
  return {
    /** @param {number} ranForMs how long it ran before it ended @returns {number} milliseconds */
    next(ranForMs) {
      if (ranForMs >= WELL_AFTER_MS) waitMs = FIRST_MS;
      const now = waitMs;
      waitMs = Math.min(waitMs * 2, LONGEST_MS);
      return now;
    },
  };
}
