import type { SideResult } from './result.ts';

/** Several figures of each run of the sides, where a comparison itself follows one: a value per round, the warm-up left out. */
export class FigureTable {
  readonly #rows = new Map<string, Map<string, number[]>>();

  /** To be called for every run, that of the warm-up too. */
  add(figure: string, side: string, value: number): void {
    const sides = this.#rows.get(figure) ?? new Map<string, number[]>();
    this.#rows.set(figure, sides.set(side, [...(sides.get(side) ?? []), value]));
  }

  figures(): string[] {
    return [...this.#rows.keys()];
  }

  /** In the order in which the sides ran first. @throws when there is no such figure */
  sidesOf(figure: string): SideResult[] {
    const sides = this.#rows.get(figure);
    if (!sides) throw new Error(`no figure ${figure}`);
    return [...sides].map(([name, values]) => ({ name, values: values.slice(1) }));
  }
}
