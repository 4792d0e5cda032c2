import {
  Counter,
  createMetricsRegistry,
  DURATION_BUCKETS,
  Gauge,
  Histogram,
  type MetricsRegistry,
} from '@warren/kernel';

/** The metrics of the retention job. Without a registry they are kept, but shown nowhere. */
export function createRetentionMetrics(
  registry: MetricsRegistry = createMetricsRegistry('', { collectDefaults: false }),
) {
  const registers = [registry];
  const labelNames = ['table'] as const;
  return {
    expired: new Counter({
      name: 'warren_store_expired_total',
      help: 'Rows that have left their table because of their age: deleted, those of events archived',
      labelNames,
      registers,
    }),
    archivedStreams: new Counter({
      name: 'warren_store_archived_streams_total',
      help: 'Ended streams whose events have gone to the archive; a stream that was written to again counts again',
      registers,
    }),
    seconds: new Histogram({
      name: 'warren_store_retention_seconds',
      help: 'Time of the transaction of one batch, by table',
      labelNames,
      buckets: DURATION_BUCKETS,
      registers,
    }),
    lastRun: new Gauge({
      name: 'warren_store_retention_last_run_timestamp_seconds',
      help: 'When a table was last gone through to the end without a failure, in seconds since 1970',
      labelNames,
      registers,
    }),
  };
}
