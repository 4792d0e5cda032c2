import {
  type AggregateRequest,
  type AnyAggregate,
  type Cause,
  causeOf,
  type EventEnvelope,
  type Ignored,
  type InputOf,
  type RecordedOf,
  type StateOf,
} from '@warren/contracts';
import { type Clock, Counter, isAppError, kernelErrors, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { Static, TObject } from 'typebox';
import { claimFresh } from '../claim-fresh.ts';
import type { EventStore, RecordedEvent, StoreTransaction } from '../event-store.ts';
import { type HistoryEntry, toHistoryEntry } from '../history-entry.ts';
import { fingerprintOf, type IdempotencyKeys, keyReused } from '../idempotency-keys.ts';
import { contestedError, replay, streamOf, toLatest } from './aggregate-log.ts';
import { type Asked, decideAggregate, type Outcome } from './decide-aggregate.ts';
import { executeWrites } from './execute-writes.ts';
import type { ReadModel } from './read-model.ts';
import type { SharedRows } from './shared-rows.ts';
import { camelCase, type Sql, sql, toQuery, type Write } from './sql.ts';

/** A request that creates a stream. */
export type CreateRequest = { readonly cause: Cause } & (
  | { readonly key?: undefined }
  | {
      /** The request's Idempotency-Key. A second request under it creates nothing: it gets what the first one created. */
      readonly key: string | undefined;
      /** What makes two requests under one key the same: equal JSON, with members in the same order. */
      readonly sameAs: unknown;
    }
);

/** Rows that follow from messages: of all messages of a commit at once. */
export interface MessageWriter<in Message = never> {
  /** Logged for each message once its rows are committed, with the fields of its data. */
  readonly logAs: string;
  /** Pure; see `Write` for what its statements may do. Each message is handed over once, however often it is delivered. */
  readonly writes: (messages: readonly Message[], context: { readonly now: Date }) => readonly Write[];
}

/** What follows from one message: inputs for aggregates, rows, or that it is ignored and why. */
type Reaction = AggregateRequest | Write | Ignored;

/** What follows from the messages of a queue. */
export interface Reactions {
  /** Each takes every message as an input. @default none */
  readonly aggregates?: readonly AnyAggregate[];
  /** Each is asked about every message, before the transaction. @default none */
  readonly handlers?: readonly ((message: EventEnvelope) => Promise<readonly Reaction[]>)[];
  /** @default none */
  readonly writers?: readonly MessageWriter[];
}

/** What can be done inside {@link Store.transaction}. */
export interface StoreWork {
  query<Row>(statement: Sql): Promise<Row[]>;
  /** @throws what the writes say; `TRANSACTION_CONTENTION` */
  write(writes: readonly Write[]): Promise<void>;
}

/** What use cases do with the log and the tables of their service. */
export interface Store {
  /**
   * Decides an input, appends what follows and updates the tables, in one transaction.
   * @throws what `decide` throws; `contested` of the aggregate; `PRECONDITION_FAILED`; what `EventStore.transaction` throws
   */
  decide<A extends AnyAggregate>(aggregate: A, input: InputOf<A>, asked: Omit<Asked<A>, 'input'>): Promise<Outcome<A>>;
  /**
   * The same for a stream that does not exist yet.
   * @returns the first event of the stream, or of the one that an earlier request under the same key created
   * @throws what {@link decide} throws; `IDEMPOTENCY_KEY_REUSED`; `UNEXPECTED` when the stream exists, or nothing follows from the input
   */
  create<A extends AnyAggregate>(aggregate: A, input: InputOf<A>, request: CreateRequest): Promise<RecordedOf<A>>;
  /**
   * A stream as decisions see it: its state, and its events in their latest version, oldest first.
   * @throws `UNEXPECTED` for an event that this program does not know
   */
  load<A extends AnyAggregate>(aggregate: A, id: string): Promise<{ state: StateOf<A>; events: RecordedOf<A>[] }>;
  /** The events of a stream as they were recorded, oldest first; none for a stream that does not exist. */
  history(aggregate: AnyAggregate, id: string): Promise<HistoryEntry[]>;
  /** The row of an id. @throws `missing` of the read model */
  get<Row extends TObject>(model: ReadModel<Row>, id: string): Promise<Static<Row>>;
  /** Rows of any statement that only reads, with the names of their columns in camelCase. */
  query<Row>(statement: Sql): Promise<Row[]>;
  /**
   * Handles messages of a queue in one transaction, all or nothing: the inbox, the events and the rows. Messages that were handled before are
   * passed over.
   * @throws what `decide` throws for any of them, and what {@link transaction} throws
   */
  handle(queue: string, messages: readonly EventEnvelope[], reactions: Reactions): Promise<void>;
  /** For what fits nowhere else, such as work at a start that locks a table. It runs again after a deadlock. */
  transaction<Result>(work: (tx: StoreWork) => Promise<Result>): Promise<Result>;
}

export interface StoreOptions {
  log: EventStore;
  /** Name of the service, for the metadata of events. */
  source: string;
  clock: Clock;
  /** Those that may be decided. */
  aggregates: readonly AnyAggregate[];
  /** Where the shared values of aggregates are, by category. @default none */
  shared?: Readonly<Record<string, SharedRows<unknown>>>;
  /** Required by a service that takes Idempotency-Keys. */
  keys?: IdempotencyKeys | undefined;
  logger: Logger;
  metrics: MetricsRegistry;
}

/**
 * The {@link Store} over an event store.
 * @throws `UNEXPECTED` when nobody says where the shared values of an aggregate are
 */
export function createStore(options: StoreOptions): Store {
  const { log, source, aggregates, clock, shared = {}, keys, logger, metrics } = options;
  for (const aggregate of aggregates) requireRows(aggregate, shared);
  const decisions = new Counter({
    name: 'warren_decisions_total',
    help: 'Inputs of aggregates by what followed from them: an event, or ignored',
    labelNames: ['aggregate', 'input', 'outcome'],
    registers: [metrics],
  });

  async function decideAll<A extends AnyAggregate>(tx: StoreTransaction, aggregate: A, asked: readonly Asked<A>[]) {
    if (!aggregates.includes(aggregate)) {
      throw kernelErrors.UNEXPECTED(`${aggregate.category} is not among the aggregates of the service`);
    }
    const rows = shared[aggregate.category] as Parameters<typeof decideAggregate<A>>[3]['shared'];
    return decideAggregate(tx, aggregate, asked, { source, now: clock.now(), shared: rows });
  }

  async function decideIn<A extends AnyAggregate>(tx: StoreTransaction, aggregate: A, asked: Asked<A>) {
    const [outcome] = await decideAll(tx, aggregate, [asked]);
    return outcome as Outcome<A>;
  }

  /** Counts and logs what followed from an input, once it is committed. */
  function report<A extends AnyAggregate>({ category }: A, { input, cause }: Asked<A>, outcome: Outcome<A>): void {
    const { type } = input as { type: string };
    const { id, events, ignored } = outcome;
    const about = { aggregate: category, id, messageId: cause.causationId, correlationId: cause.correlationId };
    if (ignored !== undefined) {
      decisions.inc({ aggregate: category, input: type, outcome: 'ignored' });
      logger.info({ ...about, reason: ignored }, `${type} ignored`);
    }
    for (const event of events) {
      decisions.inc({ aggregate: category, input: type, outcome: event.type });
      logger.debug({ ...about, event: event.type }, `${type} decided`);
    }
  }

  const query = <Row>(statement: Sql): Promise<Row[]> => queryOn<Row>(log, statement);

  async function eventsOf(aggregate: AnyAggregate, id: string): Promise<RecordedEvent[]> {
    const stream = streamOf(aggregate, id);
    return (await log.load([stream])).get(stream) ?? [];
  }

  /** Decides and writes in a transaction. @returns what to report of it once it is committed */
  async function react(tx: StoreTransaction, messages: readonly Told[], { aggregates = [], writers = [] }: Reactions) {
    const reports: (() => void)[] = [];
    for (const [aggregate, asked] of inputsOf(messages, aggregates)) {
      const outcomes = await decideAll(tx, aggregate, asked);
      reports.push(() => {
        for (const [at, one] of asked.entries()) report(aggregate, one, outcomes[at] as Outcome<AnyAggregate>);
      });
    }
    const now = clock.now();
    const envelopes = messages.map(({ message }) => message);
    await executeWrites(tx, [
      ...messages.flatMap(({ reactions }) => reactions.filter((one): one is Write => 'parts' in one)),
      ...writers.flatMap(({ writes }) => writes(envelopes as never, { now })),
    ]);
    reports.push(() => {
      for (const { logAs } of writers) for (const message of envelopes) logger.info(aboutMessage(message), logAs);
      for (const { message, reactions } of messages) reportIgnored(message, reactions);
    });
    return reports;
  }

  function reportIgnored(message: EventEnvelope, reactions: readonly Reaction[]): void {
    for (const one of reactions) {
      if (!('reason' in one)) continue;
      const about = { messageId: message.id, correlationId: message.metadata.correlationId };
      logger.debug({ ...about, reason: one.reason }, `${message.type} ignored`);
    }
  }

  return {
    async decide(aggregate, input, context) {
      const asked = { input, ...context };
      const outcome = await log
        .transaction((tx) => decideIn(tx, aggregate, asked))
        .catch(contestedBy(aggregate, idOf(aggregate, input)));
      report(aggregate, asked, outcome);
      return outcome;
    },
    async create(aggregate, input, request) {
      const id = idOf(aggregate, input);
      const asked = { input, cause: request.cause };
      const { outcome, created } = await log.transaction(async (tx) => {
        const first = request.key === undefined ? id : await firstUseOf(keys, tx, { ...request, key: request.key, id });
        const outcome = first === id ? await decideIn(tx, aggregate, asked) : undefined;
        const created = outcome ? outcome.events[0] : await firstEventOf(tx, aggregate, first);
        if (created?.streamVersion === 1) return { outcome, created };
        throw kernelErrors.UNEXPECTED(`${aggregate.category} ${first} was not created: it exists, or nothing followed`);
      });
      if (outcome) report(aggregate, asked, outcome);
      return created;
    },
    async load(aggregate, id) {
      const events = (await eventsOf(aggregate, id)).map((event) => toLatest(aggregate, event));
      return { state: replay(aggregate, events), events };
    },
    history: async (aggregate, id) => (await eventsOf(aggregate, id)).map(toHistoryEntry),
    async get(model, id) {
      const [row] = await query<Record<string, unknown>>(model.select(sql`WHERE id = ${id}`));
      if (row) return model.read(row);
      throw model.missing(id);
    },
    query,
    async handle(queue, messages, reactions) {
      const { handlers = [] } = reactions;
      const ask = async (message: EventEnvelope) => (await Promise.all(handlers.map((one) => one(message)))).flat();
      const told = await Promise.all(
        messages.map(async (message) => ({ id: message.id, message, reactions: await ask(message) })),
      );
      const reports = await log.transaction(async (tx) => {
        const fresh = await claimFresh(tx, queue, told);
        return fresh.length > 0 ? react(tx, fresh, reactions) : [];
      });
      for (const report of reports) report();
    },
    transaction: (work) =>
      log.transaction((tx) => work({ query: (one) => queryOn(tx, one), write: (writes) => executeWrites(tx, writes) })),
  };
}

async function queryOn<Row>(database: Pick<StoreTransaction, 'query'>, statement: Sql): Promise<Row[]> {
  const query = toQuery(statement);
  if (!query) return [];
  const { rows } = await database.query<Record<string, unknown>>(query);
  return rows.map(
    (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [camelCase(name), value])) as Row,
  );
}

/** A message, and what its handlers say. */
interface Told {
  readonly id: string;
  readonly message: EventEnvelope;
  readonly reactions: readonly Reaction[];
}

/** The inputs of each aggregate, in the order of the messages. Every message is one for those that `listen`. */
function inputsOf(
  messages: readonly Told[],
  listen: readonly AnyAggregate[],
): Map<AnyAggregate, Asked<AnyAggregate>[]> {
  const inputs = new Map<AnyAggregate, Asked<AnyAggregate>[]>();
  for (const { message, reactions } of messages) {
    const requests = reactions.filter((one): one is AggregateRequest => 'aggregate' in one);
    for (const { aggregate, input } of [...listen.map((aggregate) => ({ aggregate, input: message })), ...requests]) {
      inputs.set(aggregate, [...(inputs.get(aggregate) ?? []), { input: input as never, cause: causeOf(message) }]);
    }
  }
  return inputs;
}

/** The ids come last: a field of the data that has such a name must not hide them. */
const aboutMessage = ({ id, metadata, data }: EventEnvelope) => ({
  ...(data as object),
  messageId: id,
  correlationId: metadata.correlationId,
});

function requireRows(aggregate: AnyAggregate, shared: StoreOptions['shared'] = {}): void {
  const { category, shared: values } = aggregate as AnyAggregate & { shared?: unknown };
  if (values === undefined || shared[category]) return;
  throw kernelErrors.UNEXPECTED(`${category} shares values, and the service does not say where they are`);
}

const idOf = <A extends AnyAggregate>(aggregate: A, input: InputOf<A>): string =>
  (aggregate as unknown as { idOf(input: InputOf<A>): string }).idOf(input);

/** What the aggregate says when others appended to its stream at each attempt. Other contention stays what it is: it passes by itself. */
const contestedBy =
  (aggregate: AnyAggregate, id: string) =>
  (error: unknown): never => {
    const isConflict = isAppError(error) && error.code === 'TRANSACTION_CONTENTION' && 'conflicts' in error.details;
    throw isConflict ? contestedError(aggregate, id) : error;
  };

async function firstUseOf(
  keys: IdempotencyKeys | undefined,
  tx: StoreTransaction,
  { key, sameAs, id }: { key: string; sameAs: unknown; id: string },
): Promise<string> {
  if (!keys) throw kernelErrors.UNEXPECTED('the service takes no Idempotency-Keys: it declares none');
  const fingerprint = fingerprintOf(sameAs);
  const first = (await keys.claim(tx, [{ key, fingerprint, madeId: id }])).get(key);
  if (first?.fingerprint !== fingerprint) throw keyReused(key);
  return first.madeId;
}

async function firstEventOf<A extends AnyAggregate>(tx: StoreTransaction, aggregate: A, id: string) {
  const stream = streamOf(aggregate, id);
  const first = (await tx.load([stream])).get(stream)?.[0];
  return first && toLatest(aggregate, first);
}
