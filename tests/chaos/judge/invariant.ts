import type { Evidence } from './evidence.ts';

/** A promise that was broken. */
export interface Violation {
  promise: string;
  /** How often. */
  count: number;
  /** The first few cases. */
  examples: string[];
}

/** A promise, and the cases in which the evidence speaks against it. */
export type Invariant = readonly [promise: string, broken: (evidence: Evidence) => string[]];
