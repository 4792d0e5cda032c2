import { createStreamWatch, type DatabasePool, type EventStore, type StreamWatch } from '@warren/event-store';
import { type Component, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import { createJob } from './create-job.ts';
import type { Rest, Turn } from './define-job.ts';

/** Interval of the search for changes by other instances, in milliseconds. */
const POLL_MS = 250;
/** Interval of the search while nobody follows, in milliseconds. The first follower wakes it. */
const UNFOLLOWED_MS = 60_000;

export interface FollowingOptions {
  /** Name of the service, for the name of the metric. */
  service: string;
  /** Maximum number of clients that follow a stream or wait for its end. */
  limit: number;
  log: EventStore;
  pool: DatabasePool;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** Lets clients follow streams. Its components must stop before the HTTP server, because they release the waiting clients. */
export function createFollowing({ service, limit, log, pool, logger, metrics }: FollowingOptions): {
  watch: StreamWatch;
  components: Component[];
} {
  let wake = (): void => undefined;
  const watch = createStreamWatch({ log, limit, onFirst: () => wake() });
  new Gauge({
    name: `warren_${service}_followers`,
    help: 'Clients that currently follow a stream or wait for its end',
    registers: [metrics],
    collect() {
      this.set(watch.size);
    },
  });
  const run = (_: object, { again }: Turn) => {
    wake = again;
    return searchOnce(watch);
  };
  const job = { name: 'followers', everyMs: POLL_MS, run };
  // No health of its own: while the database is unavailable, the database component already reports it.
  const { health, ...poll } = createJob({ job, context: {}, log, pool, logger });
  return { watch, components: [poll, { name: 'follow', stop: async () => watch.close() }] };
}

/** @returns when to search again. Clients that come and go must not cause more searches than those that stay. */
export async function searchOnce(watch: Pick<StreamWatch, 'poll' | 'size'>): Promise<Rest> {
  await watch.poll();
  return watch.size > 0 ? { restMs: POLL_MS, wakeable: false } : { restMs: UNFOLLOWED_MS };
}
