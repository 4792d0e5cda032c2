import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { InventoryReserved } from '@shop/events/inventory';
import { createEvent, type RequestContext } from '@warren/contracts';
import {
  createDatabaseComponent,
  createEventStore,
  createPool,
  type DatabasePool,
  type EventStore,
  rebuildProjection,
} from '@warren/event-store';
import { createAlerts, createId, silentLogger } from '@warren/kernel';
import { createTestDatabase, type TestDatabase } from '@warren/testing';
import { createAnswerConsumerTable } from '../src/adapters/postgres/answer-consumer-table.ts';
import { orderMigrations } from '../src/adapters/postgres/migrations.ts';
import type { AnswerQueueState, AnswerQueues } from '../src/application/answer-consumers.ts';
import { orders as orderProjection } from '../src/application/order-view.ts';
import { createDeadlineWatch } from '../src/application/watch-deadlines.ts';
import { createOrderApplication, type OrderApplication } from './order-application.ts';

const DEADLINE_MS = 60_000;
const PATIENCE_MS = 600_000;
const QUEUE = 'answers';
const items = [{ productId: 'item1', quantity: 1 }];

let database: TestDatabase;
let pool: DatabasePool;
let store: EventStore;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, schema: 'order_service', connectTimeoutMs: 60_000 });
  const migrations = { namespace: 'order', migrations: orderMigrations };
  await createDatabaseComponent({ pool, schema: 'order_service', migrations }).start?.();
  store = createEventStore({ pool, projections: [orderProjection] });
});
beforeEach(async () => {
  await pool.query(`TRUNCATE answer_consumers, relay_checkpoints, parked_events, orders, events, archived_events`);
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** What an instance has in hand, and what it sees at the broker, as the test tells it. */
interface Instance {
  readonly id: string;
  readonly answers: { -readonly [Part in keyof AnswerQueues]: AnswerQueues[Part] };
  /** What the broker is to say of the queue. */
  seen: Omit<AnswerQueueState, 'queue'>;
  /** What it is to say of the retry queues. */
  nothingRests: boolean;
  readonly orders: OrderApplication;
  readonly alerts: ReturnType<typeof createAlerts>;
  /** A look, with all that follows from it; returns how many orders were due. */
  look(): Promise<number>;
  leave(): Promise<void>;
}

/** One instance's application. The broker counts so many consumers. */
function newInstance({ consumers = 1 }: { consumers?: number } = {}): Instance {
  const orders = createOrderApplication(store);
  const id = createId();
  const alerts = createAlerts();
  const instance: Instance = {
    id,
    seen: { settled: true, counts: { ready: 0, consumers } },
    nothingRests: false,
    answers: {
      consuming: true,
      consumed: [QUEUE],
      returnsAt: Number.NEGATIVE_INFINITY,
      longestRestMs: 30_000,
      isNothingResting: async () => instance.nothingRests,
      caughtUp: async () => [{ queue: QUEUE, ...instance.seen }],
    },
    orders,
    alerts,
    async look() {
      const due = await watch.look(new AbortController().signal);
      await watch.settled();
      return due;
    },
    leave: () => watch.leave(),
  };
  const consumersTable = createAnswerConsumerTable({ store: orders.store, instance: id, patienceMs: PATIENCE_MS });
  const { answers } = instance;
  const watch = createDeadlineWatch({
    ...{ deadlineMs: DEADLINE_MS, store: orders.store, logger: silentLogger, alerts, answers },
    consumers: consumersTable,
  });
  return instance;
}

/** An instance that has consumed since long ago. */
async function oldInstance(options?: { consumers?: number }): Promise<Instance> {
  const instance = newInstance(options);
  await instance.look();
  await setConsumer(instance, `consuming_since = now() - interval '1 day'`);
  return instance;
}

/** Lets time pass as far as this process measures it; that of the database stays. */
function pass(ms: number): void {
  // Whole milliseconds, or a sum of them may come out as a little more.
  const now = Math.ceil(performance.now()) + ms;
  jest.spyOn(performance, 'now').mockReturnValue(now);
}

const setConsumer = ({ id }: Instance, set: string) =>
  pool.query(`UPDATE answer_consumers SET ${set} WHERE instance = $1`, [id]);
/** As if an instance had not said a word for so long. */
const fallSilent = (instance: Instance, ms = 0) =>
  setConsumer(instance, `live_until = now() - ${ms} * interval '1 millisecond'`);

const place = async ({ orders }: Instance, context: RequestContext = { correlationId: createId() }) =>
  (await orders.createOrder({ customerId: 'c', items, ...context })).id;

/** As if the relay had had the confirms of all events so far that many milliseconds ago. */
const confirmAll = (agoMs: number) =>
  pool.query(
    `INSERT INTO relay_checkpoints (relay, at, window_start, window_end, position, bound)
     SELECT 'outbox', clock_timestamp() - $1 * interval '1 millisecond', xid, xid, 0, (SELECT last_value FROM events_position_seq)
     FROM (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xid) snapshot`,
    [agoMs],
  );
const OVERDUE_MS = DEADLINE_MS + 1000;
const IN_TIME_MS = DEADLINE_MS - 30_000;

const statusOf = async ({ orders }: Instance, orderId: string) => (await orders.getOrder(orderId)).status;
const answerTo = (orderId: string) =>
  createEvent(InventoryReserved, {
    aggregateId: orderId,
    source: 'inventory',
    data: { orderId, reservations: items },
  });

describe('an order whose time is over', () => {
  test('when there was no answer, then it is cancelled as timed out, with its correlation and its trace carried on', async () => {
    const one = await oldInstance();
    const traceContext = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    const orderId = await place(one, { correlationId: 'request-1', traceContext });
    await confirmAll(OVERDUE_MS);
    expect(await one.look()).toBe(1);
    expect(await one.orders.getOrder(orderId)).toMatchObject({
      status: 'cancelled',
      reason: 'timed out',
      version: 2,
    });
    const [created, cancelled] = await one.orders.getHistory(orderId);
    expect(cancelled).toMatchObject({
      type: 'OrderCancelled',
      data: { by: 'deadline' },
      metadata: { correlationId: 'request-1', causationId: created?.id, ...traceContext },
    });
    expect(await one.look()).toBe(0);
  });

  test('when the answer came in time, then nothing happens; when it comes late, then it is ignored', async () => {
    const one = await oldInstance();
    const [inTime, late] = [await place(one), await place(one)];
    await confirmAll(OVERDUE_MS);
    await one.orders.applyAnswers('queue', [answerTo(inTime)]);
    expect(await one.look()).toBe(1);
    await one.orders.applyAnswers('queue', [answerTo(late)]);
    expect(await one.orders.getOrder(inTime)).toMatchObject({ status: 'confirmed', version: 2 });
    expect(await one.orders.getOrder(late)).toMatchObject({ status: 'cancelled', version: 2 });
  });

  test('when several instances cancel at the same moment, while answers come, then each order ends once', async () => {
    const instances = [newInstance(), newInstance(), newInstance()];
    const [first] = instances as [Instance];
    const orderIds = await Promise.all(Array.from({ length: 200 }, () => place(first)));
    await confirmAll(OVERDUE_MS);
    const confirmedBefore = new Date(Date.now() - DEADLINE_MS);
    const cancel = () => instances.map(({ orders }) => orders.cancelOverdue(confirmedBefore, 150));
    const answers = orderIds.filter((_, at) => at % 2).map(answerTo);
    await Promise.all([...cancel(), first.orders.applyAnswers('queue', answers), ...cancel()]);
    while ((await first.orders.cancelOverdue(confirmedBefore, 150)) > 0);
    const ends = await Promise.all(orderIds.map((orderId) => first.orders.getOrder(orderId)));
    expect(new Set(ends.map((order) => order.version))).toEqual(new Set([2]));
    expect(ends.filter((_, at) => at % 2 === 0).every((order) => order.reason === 'timed out')).toBe(true);
  });

  test('when orders cannot be decided, or have ended in the log alone, then the others are cancelled all the same', async () => {
    const one = newInstance();
    const broken = [await place(one), await place(one)];
    const [ended, archived] = [await place(one), await place(one)];
    const sound = await place(one);
    await store.transaction(({ query }) =>
      query(`UPDATE events SET type = 'OrderOfTheFuture' WHERE aggregate_id = ANY ($1)`, [broken]),
    );
    await one.orders.applyAnswers('queue', [ended, archived].map(answerTo));
    await pool.query(`UPDATE orders SET status = 'pending' WHERE id = ANY ($1)`, [[ended, archived]]);
    await pool.query(
      `WITH moved AS (DELETE FROM events WHERE aggregate_id = $1 RETURNING *) INSERT INTO archived_events SELECT * FROM moved`,
      [archived],
    );
    await confirmAll(OVERDUE_MS);
    expect(await one.orders.cancelOverdue(new Date(Date.now() - DEADLINE_MS), 2)).toBe(5);
    expect(await one.orders.getOrder(sound)).toMatchObject({ status: 'cancelled', reason: 'timed out' });
  });
});

describe('the deadline counts from the confirm', () => {
  test('when an order was confirmed later than others, or not at all, then it is not due with them', async () => {
    const one = await oldInstance();
    const first = await place(one);
    await confirmAll(OVERDUE_MS);
    const second = await place(one);
    await confirmAll(IN_TIME_MS);
    const third = await place(one);
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, first)).toBe('cancelled');
    expect([await statusOf(one, second), await statusOf(one, third)]).toEqual(['pending', 'pending']);
  });

  test('when a transaction that began early commits late, then it counts from its own confirm, whatever its position', async () => {
    const one = await oldInstance();
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    await pool.query(`UPDATE events SET tx = pg_current_xact_id() WHERE aggregate_id = $1`, [orderId]);
    expect(await one.look()).toBe(0);
    await confirmAll(OVERDUE_MS - 1);
    expect(await one.look()).toBe(1);
  });

  test('when its creation is parked, then it is not due; once that was published, then it counts from there', async () => {
    const one = await oldInstance();
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    await pool.query(
      `INSERT INTO parked_events (relay, position, stream_id, event_id, reason)
       SELECT 'outbox', position, stream_id, event_id, 'no queue' FROM events WHERE aggregate_id = $1`,
      [orderId],
    );
    const publishedAgo = (ms: number) =>
      pool.query(`UPDATE parked_events SET published_at = now() - $1 * interval '1 millisecond'`, [ms]);
    expect(await one.look()).toBe(0);
    await publishedAgo(IN_TIME_MS);
    expect(await one.look()).toBe(0);
    await publishedAgo(OVERDUE_MS);
    expect(await one.look()).toBe(1);
  });

  test('when the read model is made anew, or an instance of release 0.2 placed the order, then its deadline is the same', async () => {
    const one = await oldInstance();
    const due = await place(one);
    await confirmAll(OVERDUE_MS);
    const later = await place(one);
    await confirmAll(IN_TIME_MS);
    await rebuildProjection({ pool, projection: orderProjection });
    await pool.query('UPDATE orders SET position = DEFAULT');
    expect(await one.look()).toBe(1);
    expect([await statusOf(one, due), await statusOf(one, later)]).toEqual(['cancelled', 'pending']);
    const { rows } = await pool.query(`SELECT DISTINCT deadline_at::text FROM orders`);
    expect(rows).toEqual([{ deadline_at: 'infinity' }]);
  });
});

describe('the deadline counts while the answer queues are consumed', () => {
  test('when nobody has consumed them for long enough, then no order is due', async () => {
    const one = newInstance();
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    one.answers.consuming = false;
    expect(await one.look()).toBe(0);
    one.answers.consuming = true;
    expect(await one.look()).toBe(0);
    await setConsumer(one, `consuming_since = now() - interval '${IN_TIME_MS} milliseconds'`);
    expect(await one.look()).toBe(0);
    expect(await statusOf(one, orderId)).toBe('pending');
    await setConsumer(one, `consuming_since = now() - interval '${DEADLINE_MS + 1} milliseconds'`);
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when only an instance that has fallen silent has consumed them for long enough, then no order is due', async () => {
    const [silent, one] = [await oldInstance(), newInstance()];
    await place(one);
    await confirmAll(OVERDUE_MS);
    await fallSilent(silent);
    expect(await one.look()).toBe(0);
  });

  test('when an instance comes back after it was away, then it counts anew; while another one consumed, then from that', async () => {
    const one = await oldInstance();
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    await fallSilent(one);
    expect(await one.look()).toBe(0);
    const other = await oldInstance({ consumers: 2 });
    one.seen.counts = { ready: 0, consumers: 2 };
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, orderId)).toBe('pending');
    await other.look();
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });
});

describe('answers that were given are waited for', () => {
  /** Two instances with an order that is due. */
  async function twoWithDueOrder(): Promise<{ one: Instance; two: Instance; orderId: string }> {
    const [one, two] = [await oldInstance({ consumers: 2 }), await oldInstance({ consumers: 2 })];
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    return { one, two, orderId };
  }

  test.each<[string, Partial<AnswerQueueState>]>([
    ['messages wait in the queue', { counts: { ready: 1, consumers: 1 } }],
    ['a stranger consumes it too', { counts: { ready: 0, consumers: 2 } }],
    ['its own consumer is gone', { counts: { ready: 0, consumers: 0 } }],
    ['the channel was lost with messages in hand', { settled: false }],
    ['the consumer is being renewed', { counts: undefined }],
  ])('when %s, then no order times out until that is over', async (_, seen) => {
    const one = await oldInstance();
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    const before = one.seen;
    one.seen = { ...before, ...seen };
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, orderId)).toBe('pending');
    one.seen = before;
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when another instance is not clear yet, then no order times out; once all are, whoever finds it cancels', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    await one.look();
    two.seen = { settled: true, counts: { ready: 1, consumers: 2 } };
    await two.look();
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    two.seen = one.seen;
    await two.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when another instance was clear before the order was due only, then that does not count', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    await setConsumer(two, `clear_at = now() - interval '50 seconds'`);
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '${DEADLINE_MS - 1000} milliseconds'`);
    await one.look();
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '${OVERDUE_MS} milliseconds'`);
    await setConsumer(two, `clear_at = now() - interval '2 seconds'`);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    await setConsumer(two, `clear_at = now()`);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when another instance was clear before they had been consumed for long enough, then that does not count', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    for (const instance of [one, two])
      await setConsumer(instance, `consuming_since = now() - interval '${DEADLINE_MS + 1000} milliseconds'`);
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '1 hour'`);
    await setConsumer(two, `clear_at = now() - interval '2 seconds'`);
    expect(await one.look()).toBe(1);
    expect(await statusOf(one, orderId)).toBe('pending');
    await two.look();
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when another instance was clear long ago, or before it was away, then that does not count', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    await pool.query(`UPDATE relay_checkpoints SET at = now() - interval '1 hour'`);
    await setConsumer(two, `clear_at = now() - interval '2 minutes'`);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    await setConsumer(two, 'clear_at = now()');
    await fallSilent(two);
    two.seen = { settled: true, counts: { ready: 1, consumers: 2 } };
    await two.look();
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    two.seen = one.seen;
    await two.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when an instance has moved an answer to a retry queue, or has lost its channel, then its return is waited for', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    two.answers.returnsAt = performance.now() + 3_600_000;
    await two.look();
    await one.look();
    await two.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    await setConsumer(two, `clear_at = now() - interval '10 seconds', returns_until = now() - interval '5 seconds'`);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    await two.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when an instance says goodbye with answers in retry queues, then they are waited for; without any, then nothing is', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    two.answers.returnsAt = performance.now() + 3_600_000;
    await two.leave();
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    await setConsumer(two, `returns_until = '-infinity'`);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when an instance falls silent, then it is waited for until the broker counts it no more, and what it may have moved is back', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    const gone = `SELECT gone_at IS NOT NULL AS gone, returns_until > now() + interval '20 seconds' AS waited FROM answer_consumers WHERE instance = $1`;
    const stateOfTwo = async () => (await pool.query(gone, [two.id])).rows;
    await fallSilent(two);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    expect(await stateOfTwo()).toEqual([{ gone: false, waited: false }]);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
    expect(await stateOfTwo()).toEqual([{ gone: true, waited: true }]);
    await setConsumer(two, `returns_until = now() - interval '1 second'`);
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
  });

  test('when an instance falls silent in the middle of a look, then that look cancels nothing', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    await two.look();
    const { caughtUp } = one.answers;
    one.answers.caughtUp = async () => {
      await fallSilent(two);
      return caughtUp();
    };
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
  });

  test('when the only instance that consumes says goodbye in the middle of a look, then that look cancels nothing', async () => {
    const { one, two, orderId } = await twoWithDueOrder();
    Object.assign(one.answers, { consuming: false, consumed: [] });
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    const { caughtUp } = one.answers;
    one.answers.caughtUp = async () => {
      await two.leave();
      return caughtUp();
    };
    await one.look();
    expect(await statusOf(one, orderId)).toBe('pending');
  });

  test('when nothing rests in the retry queues once a silent instance is gone, then its orders do not wait for that', async () => {
    const { one, two } = await twoWithDueOrder();
    await fallSilent(two);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    one.nothingRests = true;
    await one.look();
    const { rows } = await pool.query(
      `SELECT returns_until < now() + interval '2 seconds' AS soon FROM answer_consumers WHERE instance = $1`,
      [two.id],
    );
    expect(rows).toEqual([{ soon: true }]);
  });

  test('when orders are held back for longer than a deadline, then that is told with the reason, until none is due any more', async () => {
    const one = await oldInstance();
    const orderId = await place(one);
    await confirmAll(OVERDUE_MS);
    one.seen = { settled: true, counts: { ready: 1, consumers: 1 } };
    const heldAfter = async (ms: number) => {
      pass(ms);
      await one.look();
      return one.alerts.active().map(({ code, reason }) => [code, reason]);
    };
    await one.look();
    expect(await heldAfter(0)).toEqual([]);
    expect(await heldAfter(DEADLINE_MS)).toEqual([]);
    expect(await heldAfter(1)).toEqual([['DEADLINE_HELD', `1 answers wait in ${QUEUE}`]]);
    one.seen = { settled: true, counts: { ready: 0, consumers: 2 } };
    await one.look();
    expect(await heldAfter(0)).toMatchObject([
      ['DEADLINE_HELD', expect.stringMatching(/^the broker counts 2 consumers/)],
    ]);
    one.seen = { settled: true, counts: { ready: 0, consumers: 1 } };
    await one.look();
    expect(await statusOf(one, orderId)).toBe('cancelled');
    expect(await heldAfter(0)).toEqual([]);
  });

  test('when an instance has been gone for long, then it is forgotten', async () => {
    const { one, two } = await twoWithDueOrder();
    await two.leave();
    await setConsumer(two, `gone_at = now() - interval '1 hour', returns_until = now() - interval '1 hour'`);
    await one.look();
    expect((await pool.query('SELECT instance FROM answer_consumers')).rows).toEqual([{ instance: one.id }]);
  });
});
