import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { createId } from '@warren/kernel';
import { createTestDatabase, type TestDatabase, uniqueName } from '@warren/testing';
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
    const leaked = pools.reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0);
    await Promise.all(pools.map((pool) => pool.end()));
    pools = [];
    expect(leaked).toBe(0);
  });
  afterAll(() => database.drop());

  function openPool(schema: string, more: Partial<PoolOptions> = {}): DatabasePool {
    const pool = createPool({ url: database.url, schema, ...more });
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
