import { Counter, createMetricsRegistry, DURATION_BUCKETS, Histogram, type MetricsRegistry } from '@warren/kernel';

export type StoreMetrics = ReturnType<typeof createStoreMetrics>;

/** Creates the store's metrics. Without a registry they are counted but not exposed. */
export function createStoreMetrics(registry: MetricsRegistry = createMetricsRegistry('', { collectDefaults: false })) {
  const registers = [registry];
  return {
    appended: new Counter({ name: 'warren_store_appended_total', help: 'Events appended and committed', registers }),
    fallbacks: new Counter({
      name: 'warren_store_fallbacks_total',
      help: 'Commits that needed a transaction because one statement was not enough, by reason: unverified (nothing was sent), several-writes, refused, failed, error (of the work)',
      labelNames: ['reason'],
      registers,
    }),
    conflicts: new Counter({
      name: 'warren_store_conflicts_total',
      help: 'Append operations that found a stream at another version than expected',
      registers,
    }),
    inbox: new Counter({
      name: 'warren_store_inbox_total',
      help: 'Messages claimed in the inbox, by consumer and result (new or duplicate)',
      labelNames: ['consumer', 'result'],
      registers,
    }),
    retries: new Counter({
      name: 'warren_store_transaction_retries_total',
      help: 'Transactions retried after a deadlock or a concurrent change',
      registers,
    }),
    seconds: new Histogram({
      name: 'warren_store_transaction_seconds',
      help: 'Duration of a transaction, including retries and the wait for a connection, by outcome',
      labelNames: ['outcome'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
  };
}
