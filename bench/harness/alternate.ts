import type { SideResult } from './result.ts';

/** One of the things compared. */
export interface Side {
  name: string;
  /** Runs it once and returns its figure. */
  run(): Promise<number>;
}

export interface AlternateOptions {
  rounds: number;
  signal: AbortSignal;
  /** Told of each figure as it comes. */
  onFigure?(side: string, round: number, value: number): void;
}

/**
 * Runs the sides by turns, so that what else happens on the machine meets them alike. Every second round goes backwards. A round before
 * the first warms up and does not count.
 */
export async function alternate(sides: readonly Side[], options: AlternateOptions): Promise<SideResult[]> {
  const { rounds, signal, onFigure } = options;
  const results = sides.map(({ name }) => ({ name, values: [] as number[] }));
  const order = sides.map((side, index) => ({ side, values: results[index]?.values ?? [] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { side, values } of round % 2 === 0 ? order : order.toReversed()) {
      signal.throwIfAborted();
      const value = await side.run();
      if (round === 0) continue;
      values.push(value);
      onFigure?.(side.name, round, value);
    }
  }
  return results;
}
