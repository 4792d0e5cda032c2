import { OrderCreated } from '@shop/events/order';
import {
  type AppendOperation,
  createDatabaseComponent,
  createEventStore,
  createPool,
  type DatabasePool,
  type EventStore,
  streamId,
} from '@warren/event-store';
import { benchEvent, required } from './bus-bench.ts';

/** A store in a schema of its own. @param schema keeps the sides apart */
export async function openBenchStore(schema: string): Promise<{ pool: DatabasePool; store: EventStore }> {
  const pool = createPool({ url: required('WARREN_BENCH_DATABASE_URL'), schema });
  await createDatabaseComponent({ pool, schema }).start?.();
  return { pool, store: createEventStore({ pool }) };
}

/** A new stream of so many events, the first of an order again and again. */
export function newStream(events = 1): AppendOperation {
  const { routingKey } = OrderCreated;
  const list = Array.from({ length: events }, () => ({ ...benchEvent(), routingKey }));
  return { streamId: streamId('order', list[0]?.aggregateId ?? ''), expectedVersion: 0, events: list };
}

/** Appends and makes sure that nothing was refused. */
export async function appendAll(store: EventStore, operations: readonly AppendOperation[]) {
  const outcomes = await store.transaction((tx) => tx.append(operations));
  if (outcomes.some(({ status }) => status !== 'appended')) throw new Error('a new stream was there already');
  return outcomes;
}

/** Appends new streams of one event each, in transactions of a thousand. */
export async function fillStore(store: EventStore, streams: number): Promise<void> {
  for (let left = streams; left > 0; left -= 1000) {
    await appendAll(
      store,
      Array.from({ length: Math.min(1000, left) }, () => newStream()),
    );
  }
}
