import { PassThrough } from 'node:stream';
import { createLogger, createMetricsRegistry } from '@warren/kernel';
import { createIdempotencyKeyTable, createStore } from '../../src/index.ts';
import type { StoreOptions } from '../../src/store/store.ts';
import type { StoreFixture } from '../store-fixture.ts';
import { counter } from './counter.ts';

const KEYS = `
  CREATE TABLE idempotency_keys (key text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL, counter_id uuid NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now())`;

/** A store of counters in a schema of its own, with what it logs and counts. */
export async function openServiceStore(fixture: StoreFixture, more: Partial<StoreOptions> = {}) {
  const { store: log, pool } = await fixture.open();
  await pool.query(KEYS);
  const lines: Record<string, unknown>[] = [];
  const destination = new PassThrough().on('data', (line: Buffer) => lines.push(JSON.parse(line.toString())));
  const metrics = createMetricsRegistry('test', { collectDefaults: false });
  const store = createStore({
    log,
    source: 'test',
    aggregates: [counter],
    clock: { now: () => new Date('2026-11-30T10:00:00Z') },
    keys: createIdempotencyKeyTable({ madeColumn: 'counter_id' }),
    logger: createLogger({ service: 'test', level: 'debug', destination }),
    metrics,
    ...more,
  });
  const counted = async () =>
    (await metrics.metrics()).split('\n').filter((line) => line.startsWith('warren_decisions'));
  return { store, log, pool, lines, counted };
}
