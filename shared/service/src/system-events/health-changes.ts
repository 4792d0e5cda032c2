import { isDeepStrictEqual } from 'node:util';
import type { Readiness, ReadinessStatus } from '@warren/kernel';

/** How a service is, and how many changes of that are not told yet. */
export interface HealthNews {
  /** When it became so, as far as it was looked. */
  at: Date;
  ready: boolean;
  status: ReadinessStatus;
  components: Record<string, boolean>;
  changes: number;
}

/** Finds the changes in what readiness says. What could not be told stays news until it is, or until something newer takes its place. */
export class HealthChanges {
  #news: HealthNews | undefined;
  #known: Pick<HealthNews, 'ready' | 'status' | 'components'> | undefined;

  /** @returns what is to be told; nothing when that was done */
  observe({ ready, status, components }: Readiness, at: Date): HealthNews | undefined {
    const health = {
      ready,
      status,
      components: Object.fromEntries(Object.entries(components).map(([name, { up }]) => [name, up])),
    };
    if (!isDeepStrictEqual(health, this.#known)) {
      this.#known = health;
      this.#news = { at, ...health, changes: (this.#news?.changes ?? 0) + 1 };
    }
    return this.#news;
  }

  /** It was told. */
  told(news: HealthNews): void {
    if (this.#news === news) this.#news = undefined;
  }
}
