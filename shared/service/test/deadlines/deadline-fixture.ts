import { afterAll, afterEach, beforeAll, beforeEach, jest } from '@jest/globals';
import { causeOfRequest, createEvent, type EventEnvelope, type RequestContext } from '@warren/contracts';
import {
  createAnswerConsumers,
  createDatabaseComponent,
  createEventStore,
  createPool,
  createStore,
  type DatabasePool,
  type Deadline,
  deadlineMigrations,
  decideOverdue,
  type EventStore,
  type ServiceStore,
} from '@warren/event-store';
import { createAlerts, createId, createMetricsRegistry, silentLogger, systemClock } from '@warren/kernel';
import { createTestDatabase, type TestDatabase } from '@warren/testing';
import type { AnswerQueueState, AnswerQueues } from '../../src/deadlines/answer-queues.ts';
import { createDeadlineWatch } from '../../src/deadlines/deadline-watch.ts';
import { Replied, replyWithin, ticket, ticketMigrations, tickets } from './tickets.ts';

export const DEADLINE_MS = 60_000;
export const OVERDUE_MS = DEADLINE_MS + 1000;
export const IN_TIME_MS = DEADLINE_MS - 30_000;
export const QUEUE = 'answers';
const PATIENCE_MS = 600_000;
const SCHEMA = 'helpdesk_service';
const deadline = replyWithin(DEADLINE_MS);

export let pool: DatabasePool;
export let log: EventStore;

/** A database for the suite that calls it, empty before each test. */
export function useTickets(): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool({ url: database.url, schema: SCHEMA, connectTimeoutMs: 60_000 });
    const migrations = [{ namespace: 'helpdesk', migrations: ticketMigrations }, deadlineMigrations];
    await createDatabaseComponent({ pool, schema: SCHEMA, migrations }).start?.();
    log = createEventStore({ pool, projections: [tickets] });
  });
  beforeEach(async () => {
    await pool.query(`TRUNCATE answer_consumers, relay_checkpoints, parked_events, tickets, events, archived_events`);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
}

/** What an instance has in hand, and what it sees at the broker, as the test tells it. */
export interface Instance {
  readonly id: string;
  readonly answers: { -readonly [Part in keyof AnswerQueues]: AnswerQueues[Part] };
  /** What the broker is to say of the queue. */
  seen: Omit<AnswerQueueState, 'queue'>;
  /** How long an answer may rest in the retry queues, as far as the broker says. */
  longestRestMs: number;
  readonly store: ServiceStore;
  readonly alerts: ReturnType<typeof createAlerts>;
  /** A look, with all that follows from it; returns how many tickets were due. */
  look(): Promise<number>;
  leave(): Promise<void>;
  /** Expires the tickets that are due whatever the answers; returns how many were found. */
  expire(batch: number): Promise<number>;
  reply(...ids: readonly string[]): Promise<void>;
}

interface InstanceOptions {
  /** How many consumers the broker counts. @default 1 */
  consumers?: number;
  /** @default one of {@link DEADLINE_MS} */
  deadlines?: readonly Deadline[];
}

/** One instance of a service. */
export function newInstance({ consumers = 1, deadlines = [deadline] }: InstanceOptions = {}): Instance {
  const id = createId();
  const alerts = createAlerts();
  const metrics = createMetricsRegistry('test', { collectDefaults: false });
  const logger = silentLogger;
  const store = createStore({ log, source: 'helpdesk', aggregates: [ticket], clock: systemClock, logger, metrics });
  const instance: Instance = {
    id,
    seen: { settled: true, counts: { ready: 0, consumers } },
    longestRestMs: 30_000,
    answers: {
      consuming: true,
      consumed: [QUEUE],
      returnsAt: Number.NEGATIVE_INFINITY,
      longestRestMs: async () => instance.longestRestMs,
      caughtUp: async () => [{ queue: QUEUE, ...instance.seen }],
    },
    store,
    alerts,
    async look() {
      const due = await watch.look(new AbortController().signal);
      await watch.settled();
      return due;
    },
    leave: () => watch.leave(),
    expire: (batch) => decideOverdue({ store, logger }, deadline, new Date(), { batch }),
    reply: (...ids) => store.handle(QUEUE, ids.map(replyTo), { aggregates: [ticket] }),
  };
  const { answers } = instance;
  const consumersTable = createAnswerConsumers(store, id, PATIENCE_MS);
  const watch = createDeadlineWatch({
    ...{ deadlines, consumers: consumersTable, answers },
    ...{ store, logger, alerts },
  });
  return instance;
}

/** An instance that has consumed since long ago. */
export async function oldInstance(options?: InstanceOptions): Promise<Instance> {
  const instance = newInstance(options);
  await instance.look();
  await setConsumer(instance, `consuming_since = now() - interval '1 day'`);
  return instance;
}

/** Lets time pass as far as this process measures it; that of the database stays. */
export function pass(ms: number): void {
  // Whole milliseconds, or a sum of them may come out as a little more.
  const now = Math.ceil(performance.now()) + ms;
  jest.spyOn(performance, 'now').mockReturnValue(now);
}

export const setConsumer = ({ id }: Instance, set: string) =>
  pool.query(`UPDATE answer_consumers SET ${set} WHERE instance = $1`, [id]);

/** As if an instance had not said a word since just now. */
export const fallSilent = (instance: Instance) => setConsumer(instance, 'live_until = now()');

export async function open({ store }: Instance, context: RequestContext = { correlationId: createId() }) {
  const id = createId();
  await store.create(ticket, { type: 'Open', data: { id } }, { cause: causeOfRequest(context) });
  return id;
}

/** As if the relay had had the confirms of all events so far that many milliseconds ago. */
export const confirmAll = (agoMs: number) =>
  pool.query(
    `INSERT INTO relay_checkpoints (relay, at, window_start, window_end, position, bound)
     SELECT 'outbox', clock_timestamp() - $1 * interval '1 millisecond', xid, xid, 0, (SELECT last_value FROM events_position_seq)
     FROM (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xid) snapshot`,
    [agoMs],
  );

export const statusOf = async ({ store }: Instance, id: string) => (await store.get(tickets, id)).status;

const replyTo = (id: string): EventEnvelope => createEvent(Replied, { aggregateId: id, source: 'desk', data: { id } });
