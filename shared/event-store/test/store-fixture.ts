import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { createId } from '@warren/kernel';
import { createTestDatabase, type TestDatabase, uniqueName, waitUntil } from '@warren/testing';
import {
  createEventStore,
  createPool,
  type DatabasePool,
  EVENT_STORE_NAMESPACE,
  type EventStore,
  type EventStoreOptions,
  eventStoreMigrations,
  migrate,
  type NewEvent,
  type PoolOptions,
  type RecordedEvent,
  type StoreTransaction,
} from '../src/index.ts';

export interface TestStore {
  schema: string;
  pool: DatabasePool;
  store: EventStore;
}

export interface StoreFixture {
  readonly url: string;
  /** A pool on a schema, closed after the test, which fails if one of its connections was not given back. */
  openPool(schema: string, more?: Partial<PoolOptions>): DatabasePool;
  /** A store in a schema of its own. */
  open(options?: Partial<EventStoreOptions>): Promise<TestStore>;
}

/** A database for the suite; call it at the top of a `describe`. */
export function useStoreFixture(): StoreFixture {
  let database: TestDatabase;
  let pools: DatabasePool[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    const all = pools.flatMap((pool) => [pool, pool.writes]);
    const leaked = all.reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0);
    await Promise.all(pools.map((pool) => pool.end()));
    pools = [];
    expect(leaked).toBe(0);
  });
  afterAll(() => database.drop());

  function openPool(schema: string, more: Partial<PoolOptions> = {}): DatabasePool {
    // Some tests hold several transactions open at once.
    const pool = createPool({ url: database.url, schema, max: 20, connectTimeoutMs: 60_000, ...more });
    pools.push(pool);
    return pool;
  }

  async function open(options: Partial<EventStoreOptions> = {}): Promise<TestStore> {
    const schema = uniqueName('store');
    const pool = openPool(schema);
    await migrate({ pool, schema, namespace: EVENT_STORE_NAMESPACE, migrations: eventStoreMigrations });
    return { schema, pool, store: createEventStore({ pool, ...options }) };
  }

  return {
    get url() {
      return database.url;
    },
    openPool,
    open,
  };
}

/** A new event that says which one it is by `data.n`. */
export function newEvent(n: number, more: Partial<NewEvent> = {}): NewEvent {
  return {
    id: createId(),
    type: 'Counted',
    version: 1,
    timestamp: '2026-11-21T10:00:00.123Z',
    aggregateId: 'a',
    data: { n },
    metadata: { correlationId: 'c', causationId: 'c', source: 'test' },
    routingKey: 'counted',
    ...more,
  };
}

/** Appends events to one stream in a transaction of its own and gives them as recorded. */
export async function append(
  store: EventStore,
  streamId: string,
  expectedVersion: number,
  ...ns: number[]
): Promise<RecordedEvent[]> {
  const events = ns.map((n) => newEvent(n));
  const [outcome] = await store.transaction((tx) => tx.append([{ streamId, expectedVersion, events }]));
  if (outcome?.status !== 'appended') throw new Error(`${streamId} is not at version ${expectedVersion}`);
  return outcome.events;
}

/** Resolves when no transaction from before the newest event runs any more: those of other suites in this cluster count, too. */
export async function horizonPassed({ pool }: TestStore): Promise<void> {
  const sql = 'SELECT FROM events HAVING max(tx) < pg_snapshot_xmin(pg_current_snapshot())';
  await waitUntil(async () => (await pool.query(sql)).rowCount === 1, { what: 'older transactions to end' });
}

/** Resolves when so many transactions of the store wait for a lock. */
export async function waitingForLocks({ pool, schema }: TestStore, count: number): Promise<void> {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`;
  await waitUntil(async () => (await pool.query(sql, [schema])).rowCount === count, {
    what: `${count} to wait for a lock`,
  });
}

/** Runs the work in a transaction that stays open until it is told to roll back. */
export async function heldOpen(
  store: EventStore,
  work: (tx: StoreTransaction) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const rolledBack = new Error('rolled back on purpose');
  let rollBack: (() => void) | undefined;
  const over = store
    .transaction(async (tx) => {
      await work(tx);
      await new Promise<void>((resolve) => {
        rollBack = resolve;
      });
      throw rolledBack;
    })
    .catch((error: unknown) => expect(error).toBe(rolledBack));
  await waitUntil(() => rollBack);
  return async () => {
    rollBack?.();
    await over;
  };
}

/** An event with text that a release before 0.3 took from others, and that Postgres cannot look into. `n` of its data is 1. */
export const ODD_EVENT = String.raw`
  INSERT INTO events (stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata, routing_key)
  VALUES ('odd', 1, gen_random_uuid(), 'Counted', 1, 'a', now(),
    '{"n":1,"text":"a\u0000b \ud83d\ude00 \ud83d","\u0000":1}', '{"correlationId":"c\u0000","causationId":"c","source":"test"}', 'counted')`;
