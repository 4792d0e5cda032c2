import { median } from './statistics.ts';

/** What one side of a comparison did in each round. */
export interface SideResult {
  name: string;
  /** A value per round. */
  values: number[];
}

/** One row of the report. */
export interface Result {
  part: string;
  /** What was measured, e.g. `publish, 500-byte event`. */
  name: string;
  /** Of the values, e.g. `events/s`. */
  unit: string;
  /** The first one is ours. */
  sides: SideResult[];
  goals: Goal[];
  /** What a reader should know besides. */
  note?: string;
}

/** A figure with the bound that it should keep; without one, it is only compared. */
export interface Goal {
  /** What is compared, e.g. `of raw amqplib`. */
  what: string;
  value: number;
  /** The value should not be below it. */
  atLeast?: number;
  /** The value should not be above it. */
  atMost?: number;
}

export const isBounded = ({ atLeast, atMost }: Goal): boolean => atLeast !== undefined || atMost !== undefined;

export function isMet({ value, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }: Goal): boolean {
  return value >= atLeast && value <= atMost;
}

/** The median over the rounds of the quotient of two sides, each taken within one round: what slows both falls out. */
export function ratioOf(ours: SideResult, theirs: SideResult): number {
  return median(ours.values.map((value, round) => value / (theirs.values[round] ?? Number.NaN)));
}
