import { createMetricsRegistry, silentLogger } from '@warren/kernel';
import {
  createEventStore,
  createIdempotencyKeyTable,
  createStore,
  type DatabasePool,
  defineProjection,
  type EventStore,
  type InlineProjection,
  rows,
  sql,
  uniqueClaims,
} from '../../src/index.ts';
import { counter } from '../store/counter.ts';
import { guest } from '../store/guest.ts';
import type { StoreFixture } from '../store-fixture.ts';

const TABLES = `
  CREATE TABLE seats (seat text COLLATE "C" PRIMARY KEY, guest uuid NOT NULL);
  CREATE TABLE counts (id text, version integer, position bigint, sum integer NOT NULL, PRIMARY KEY (id, version));
  CREATE TABLE idempotency_keys (key text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL, counter_id uuid NOT NULL,
    used_at timestamptz NOT NULL DEFAULT now())`;

/** One row per event of a counter, with its position in the log. */
export const counts = defineProjection(counter, { name: 'counts', tables: ['counts'], rebuildable: true }, (events) => {
  const columns = { id: 'text', version: 'integer', position: 'bigint', sum: 'integer' } as const;
  const items = events.map(({ aggregateId: id, streamVersion: version, position, data }) => ({
    ...{ id, version, position },
    sum: data.by,
  }));
  return [sql`INSERT INTO counts (id, version, position, sum) SELECT * FROM ${rows('counted', columns, items)}`];
});

/** Counters, and guests who compete for seats: a schema, and any number of instances of a service on it. */
export interface Hall {
  readonly schema: string;
  /** A pool of its own. */
  readonly pool: DatabasePool;
  instance(more?: InstanceOptions): Instance;
}

export interface InstanceOptions {
  url?: string;
  projections?: readonly InlineProjection[];
  /** Stores everything in transactions. @default false */
  inTransactions?: boolean;
}

export type Instance = ReturnType<typeof createInstance>;

export async function openHall(fixture: StoreFixture): Promise<Hall> {
  const { schema, pool } = await fixture.open();
  await pool.query(TABLES);
  return {
    schema,
    pool,
    instance: ({ url, ...more } = {}) =>
      createInstance(fixture.openPool(schema, url === undefined ? {} : { url }), more),
  };
}

function createInstance(pool: DatabasePool, { projections = [counts], inTransactions = false }: InstanceOptions) {
  const metrics = createMetricsRegistry('test', { collectDefaults: false });
  const once = createEventStore({ pool, projections, metrics });
  const log: EventStore = inTransactions ? { ...once, commit: once.transaction } : once;
  const store = createStore({
    ...{ log, source: 'test', aggregates: [counter, guest], clock: { now: () => new Date('2026-11-30T10:00:00Z') } },
    shared: { guest: uniqueClaims({ table: 'seats', key: 'seat', holder: 'guest' }) as never },
    keys: createIdempotencyKeyTable({ madeColumn: 'counter_id' }),
    ...{ logger: silentLogger, metrics },
  });
  /** The fallbacks so far, by reason. */
  const fallbacks = async (): Promise<Record<string, number>> => {
    const text = await metrics.metrics();
    const found = text.matchAll(/^warren_store_fallbacks_total\{reason="([^"]+)".*\} (\d+)$/gm);
    return Object.fromEntries([...found].map(([, reason, count]) => [reason, Number(count)]));
  };
  return { store, log, pool, metrics, fallbacks };
}
