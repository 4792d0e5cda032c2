import { createStreamWatch, type DatabasePool, type EventStore, type StreamWatch } from '@warren/event-store';
import { type Component, Gauge, type Logger, type MetricsRegistry } from '@warren/kernel';
import { createJob } from './create-job.ts';

/** How soon a change by another instance is found, in milliseconds. */
const POLL_MS = 250;

export interface FollowingOptions {
  /** Name of the service, for the name of the metric. */
  service: string;
  /** How many clients may follow a stream or wait for what becomes of one. */
  limit: number;
  log: EventStore;
  pool: DatabasePool;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** What lets clients follow streams. Its components must stop before the HTTP server does: they let everybody go who waits. */
export function createFollowing({ service, limit, log, pool, logger, metrics }: FollowingOptions): {
  watch: StreamWatch;
  components: Component[];
} {
  const watch = createStreamWatch({ log, limit });
  new Gauge({
    name: `warren_${service}_followers`,
    help: 'Clients that follow a stream or wait for its end at the moment',
    registers: [metrics],
    collect() {
      this.set(watch.size);
    },
  });
  const job = { name: 'followers', everyMs: POLL_MS, run: () => watch.poll() };
  // The database is a component of its own: while it is away, readiness says so already.
  const { health, ...poll } = createJob({ job, context: {}, log, pool, logger });
  return { watch, components: [poll, { name: 'follow', stop: async () => watch.close() }] };
}
