import { isDeepStrictEqual } from 'node:util';
import type { Readiness, ReadinessStatus } from '@warren/kernel';

/** The health of a service, and the number of unpublished changes. */
export interface HealthNews {
  /** When the health was first observed. */
  at: Date;
  ready: boolean;
  status: ReadinessStatus;
  components: Record<string, boolean>;
  changes: number;
}

/** Detects changes of readiness. An unpublished change stays pending until it is published or replaced by a newer one. */
export class HealthChanges {
  #news: HealthNews | undefined;
  #known: Pick<HealthNews, 'ready' | 'status' | 'components'> | undefined;

  /** @returns the change to publish; undefined if it has been published */
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

  /** Marks a change as published. */
  told(news: HealthNews): void {
    if (this.#news === news) this.#news = undefined;
  }
}
