import {
  Counter,
  createMetricsRegistry,
  DURATION_BUCKETS,
  Gauge,
  Histogram,
  type MetricsRegistry,
} from '@warren/kernel';

/** Creates the metrics of the retention job. Without a registry they are counted but not exposed. */
export function createRetentionMetrics(
  registry: MetricsRegistry = createMetricsRegistry('', { collectDefaults: false }),
) {
  const registers = [registry];
  const labelNames = ['table'] as const;
  return {
    expired: new Counter({
      name: 'warren_store_expired_total',
      help: 'Rows removed from their table because of their age: deleted, or archived in the case of events',
      labelNames,
      registers,
    }),
    archivedStreams: new Counter({
      name: 'warren_store_archived_streams_total',
      help: 'Ended streams whose events were archived; a stream that is written to and archived again counts again',
      registers,
    }),
    seconds: new Histogram({
      name: 'warren_store_retention_seconds',
      help: 'Duration of the transaction of one batch, by table',
      labelNames,
      buckets: DURATION_BUCKETS,
      registers,
    }),
    lastRun: new Gauge({
      name: 'warren_store_retention_last_run_timestamp_seconds',
      help: 'Time of the last complete run over a table without a failure, in seconds since 1970',
      labelNames,
      registers,
    }),
  };
}
