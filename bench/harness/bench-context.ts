import type { Result } from './result.ts';

/** What every part of the bench is given. */
export interface BenchContext {
  /** How often each side runs, besides the first that warms up. */
  rounds: number;
  /** Ends the run half-way. */
  signal: AbortSignal;
  /** Progress, a line each. */
  say(line: string): void;
  /** Folder for CPU profiles; undefined: none. */
  profileTo?: string;
  /** Multiplies the work of a round: 1 for a real figure, less for a look or a test. */
  scale: number;
}

export type BenchPart = (context: BenchContext) => Promise<Result[]>;
