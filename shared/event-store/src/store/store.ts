import type { AnyAggregate, Cause, EventEnvelope, InputOf, RecordedOf, StateOf } from '@warren/contracts';
import { type Clock, createBatcher, isAppError, kernelErrors, type Logger, type MetricsRegistry } from '@warren/kernel';
import type { Static, TObject } from 'typebox';
import { claimFresh } from '../log/claim-fresh.ts';
import type { EventStore, RecordedEvent, StoreTransaction } from '../log/event-store.ts';
import { type HistoryEntry, toHistoryEntry } from '../log/history-entry.ts';
import type { IdempotencyKeys } from '../log/idempotency-key-uses.ts';
import { fingerprintOf } from '../log/idempotency-keys.ts';
import { contestedError, replay, streamOf, toLatest } from './aggregate-log.ts';
import { type Created, type Creation, createStreams } from './create-streams.ts';
import { type Asked, decideAggregate, type Outcome } from './decide-aggregate.ts';
import { createDecisionReport } from './decision-report.ts';
import { type FollowOptions, followStream } from './follow-stream.ts';
import { handleMessages, type MessageHandling, type Reactions } from './handle-messages.ts';
import type { ReadModel } from './read-model.ts';
import type { SharedRows } from './shared-rows.ts';
import { camelCase, type NumberedSql, type Sql, sql, toQuery, type Write } from './sql.ts';
import type { StreamWatch } from './stream-watch.ts';
import { togetherOrAlone } from './together-or-alone.ts';

/** A request that creates a stream. */
export type CreateRequest = {
  readonly cause: Cause;
  /** Timestamp of the events. @default the time of the decision */
  readonly at?: Date;
} & (
  | { readonly key?: undefined }
  | {
      /** The request's Idempotency-Key. A second request with the same key creates nothing and returns what the first one created. */
      readonly key: string | undefined;
      /** Two requests with one key are the same if this is equal as JSON, with members in the same order. */
      readonly sameAs: unknown;
    }
);

/** What can be done inside {@link Store.transaction}. */
export interface StoreWork {
  /** Returns the rows of any statement, with column names in camelCase. */
  query<Row>(statement: Sql): Promise<Row[]>;
  /** @throws the errors that the writes declare; `TRANSACTION_CONTENTION` */
  write(writes: readonly Write[]): Promise<void>;
  /**
   * Decides an input and appends the resulting events.
   * @param cause cause of the events @default the first event of the stream
   * @throws what `decide` throws; `TRANSACTION_CONTENTION`
   */
  decide<A extends AnyAggregate>(aggregate: A, input: InputOf<A>, cause?: Cause): Promise<Outcome<A>>;
  /**
   * Returns the messages that this consumer has not handled before, each once, in order. They count as handled once the transaction commits.
   * @throws `MESSAGE_ID_INVALID`
   */
  claim<Message extends { id: string }>(consumer: string, messages: readonly Message[]): Promise<Message[]>;
}

/** Access of use cases to the log and the tables of their service. */
export interface Store {
  /**
   * Decides an input, appends the resulting events and updates the tables, in one transaction.
   * @throws what `decide` throws; `contested` of the aggregate; `PRECONDITION_FAILED`; what `EventStore.transaction` throws
   */
  decide<A extends AnyAggregate>(
    aggregate: A,
    input: InputOf<A>,
    asked: { readonly cause: Cause; readonly ifMatch?: readonly number[] | undefined },
  ): Promise<Outcome<A>>;
  /**
   * As {@link decide}, for inputs that follow from the passing of time: their cause is the first event of their stream. The inputs share a
   * transaction; if it fails, it is split until only the failing inputs fail.
   * @returns for each input its outcome or the error of its decision, in order
   * @throws transient errors
   */
  decideEach<A extends AnyAggregate>(aggregate: A, inputs: readonly InputOf<A>[]): Promise<(Outcome<A> | Error)[]>;
  /**
   * As {@link decide}, for a stream that does not exist yet. Concurrent requests share a transaction; if it fails, it is split until only the
   * failing requests fail.
   * @returns the first event of the stream, or of the stream that an earlier request with the same key created
   * @throws what {@link decide} throws; `IDEMPOTENCY_KEY_REUSED`; `UNEXPECTED` when the stream exists, or nothing follows from the input;
   * `SHUTTING_DOWN`
   */
  create<A extends AnyAggregate>(aggregate: A, input: InputOf<A>, request: CreateRequest): Promise<RecordedOf<A>>;
  /**
   * Returns a stream as decisions see it: its state, and its events in their latest version, oldest first.
   * @throws `UNEXPECTED` for an event that this program does not know
   */
  load<A extends AnyAggregate>(aggregate: A, id: string): Promise<{ state: StateOf<A>; events: RecordedOf<A>[] }>;
  /** Returns the events of a stream as recorded, oldest first; empty if the stream does not exist. */
  history(aggregate: AnyAggregate, id: string): Promise<HistoryEntry[]>;
  /** Whether another client may follow a stream. Check this in the same turn of the event loop in which you iterate {@link follow}. */
  readonly canFollow: boolean;
  /**
   * Yields the existing and future events of a stream as recorded, until its state is final, the signal is aborted or the service drains.
   * Yields nothing for a stream that does not exist.
   */
  follow<A extends AnyAggregate>(aggregate: A, id: string, options: FollowOptions<A>): AsyncIterable<HistoryEntry>;
  /** Returns the row of an id. @throws `missing` of the read model */
  get<Row extends TObject>(model: ReadModel<Row>, id: string): Promise<Static<Row>>;
  /** Returns the rows of a read-only statement, with column names in camelCase. */
  query<Row>(statement: Sql | NumberedSql): Promise<Row[]>;
  /**
   * Handles messages of a queue in one transaction: inbox, events and rows are stored together or not at all. Skips messages that were
   * handled before.
   * @throws what `decide` throws for any message, and what {@link transaction} throws
   */
  handle(queue: string, messages: readonly EventEnvelope[], reactions: Reactions): Promise<void>;
  /** Runs work that fits no other method, such as start-up work that locks a table. Runs it again after a deadlock. */
  transaction<Result>(work: (tx: StoreWork) => Promise<Result>): Promise<Result>;
}

/** A store that can be drained. */
export interface ServiceStore extends Store {
  /** Rejects new creations, and resolves when the waiting ones are stored. */
  drain(): Promise<void>;
}

export interface StoreOptions {
  log: EventStore;
  /** Name of the service, for the metadata of events. */
  source: string;
  clock: Clock;
  /** The aggregates that may be decided. */
  aggregates: readonly AnyAggregate[];
  /** The rows of the aggregates' shared values, by category. @default none */
  shared?: Readonly<Record<string, SharedRows<unknown>>>;
  /** Required if the service accepts Idempotency-Keys. */
  keys?: IdempotencyKeys | undefined;
  /** Event versions to record instead of the latest, by type. @default none */
  recordAs?: Readonly<Record<string, number>> | undefined;
  /** Required for {@link Store.follow}. */
  watch?: StreamWatch | undefined;
  logger: Logger;
  metrics: MetricsRegistry;
}

/**
 * Creates a {@link Store} on an event store.
 * @throws `UNEXPECTED` when an aggregate has shared values but no entry in `shared`
 */
export function createStore(options: StoreOptions): ServiceStore {
  const { log, source, aggregates, clock, shared = {}, keys, recordAs, watch, logger, metrics } = options;
  for (const aggregate of aggregates) requireRows(aggregate, shared);
  const report = createDecisionReport(logger, metrics);

  async function decideAll<A extends AnyAggregate>(
    tx: StoreTransaction,
    aggregate: A,
    asked: readonly Asked<A>[],
    isNew = false,
  ) {
    if (!aggregates.includes(aggregate)) {
      throw kernelErrors.UNEXPECTED(`${aggregate.category} is not among the aggregates of the service`);
    }
    const rows = shared[aggregate.category] as Parameters<typeof decideAggregate<A>>[3]['shared'];
    return decideAggregate(tx, aggregate, asked, { source, now: clock.now(), shared: rows, recordAs, isNew });
  }

  async function decideIn<A extends AnyAggregate>(tx: StoreTransaction, aggregate: A, asked: Asked<A>) {
    const [outcome] = await decideAll(tx, aggregate, [asked]);
    return outcome as Outcome<A>;
  }

  const query = <Row>(statement: Sql | NumberedSql): Promise<Row[]> => queryOn<Row>(log, statement);

  async function eventsOf(aggregate: AnyAggregate, id: string): Promise<RecordedEvent[]> {
    const stream = streamOf(aggregate, id);
    return (await log.load([stream])).get(stream) ?? [];
  }

  async function createAll(batch: readonly Creation[]): Promise<(Created | Error)[]> {
    const results = await log.commit((tx) =>
      createStreams(tx, batch, { keys, decide: (aggregate, asked) => decideAll(tx, aggregate, asked, true) }),
    );
    for (const [at, { aggregate, asked }] of batch.entries()) {
      const created = results[at];
      if (created && 'outcome' in created && created.outcome) report(aggregate, asked, created.outcome);
    }
    return results;
  }
  const handling: MessageHandling = { log, clock, logger, decide: decideAll, report };
  const creations = createBatcher<Creation, Created>({ handle: (batch) => togetherOrAlone(batch, createAll) });

  async function decideTogether<A extends AnyAggregate>(aggregate: A, asked: readonly Asked<A>[]) {
    const outcomes = await log.commit((tx) => decideAll(tx, aggregate, asked));
    for (const [at, one] of asked.entries()) report(aggregate, one, outcomes[at] as Outcome<A>);
    return outcomes;
  }

  return {
    async decide(aggregate, input, context) {
      const asked = { input, ...context };
      const outcome = await log
        .commit((tx) => decideIn(tx, aggregate, asked))
        .catch(contestedBy(aggregate, idOf(aggregate, input)));
      report(aggregate, asked, outcome);
      return outcome;
    },
    decideEach<A extends AnyAggregate>(aggregate: A, inputs: readonly InputOf<A>[]) {
      const asked = inputs.map((input): Asked<A> => ({ input, cause: undefined }));
      return togetherOrAlone<Asked<A>, Outcome<A>>(asked, (some) => decideTogether(aggregate, some));
    },
    async create<A extends AnyAggregate>(aggregate: A, input: InputOf<A>, request: CreateRequest) {
      const { cause, at, key } = request;
      const { event } = await creations.add({
        ...{ aggregate, id: idOf(aggregate, input), asked: { input: input as never, cause, at }, key },
        fingerprint: key === undefined || !('sameAs' in request) ? '' : fingerprintOf(request.sameAs),
      });
      return event as unknown as RecordedOf<A>;
    },
    drain: () => creations.close(),
    async load(aggregate, id) {
      const events = (await eventsOf(aggregate, id)).map((event) => toLatest(aggregate, event));
      return { state: replay(aggregate, events), events };
    },
    history: async (aggregate, id) => (await eventsOf(aggregate, id)).map(toHistoryEntry),
    get canFollow() {
      return watch !== undefined && !watch.full;
    },
    follow(aggregate, id, options) {
      if (!watch) throw kernelErrors.UNEXPECTED('the service cannot follow streams: it declares no followers');
      return followStream({ log, watch }, aggregate, id, options);
    },
    async get(model, id) {
      const [row] = await query<Record<string, unknown>>(model.select(sql`WHERE id = ${id}`));
      if (row) return model.read(row);
      throw model.missing(id);
    },
    query,
    handle: (queue, messages, reactions) => handleMessages(handling, queue, messages, reactions),
    async transaction(work) {
      const { result, reports } = await log.transaction(async (tx) => {
        const reports: (() => void)[] = [];
        const result = await work({
          query: (statement) => queryOn(tx, statement),
          write: tx.write,
          claim: (consumer, messages) => claimFresh(tx, consumer, messages),
          async decide(aggregate, input, cause) {
            const asked = { input, cause };
            const outcome = await decideIn(tx, aggregate, asked);
            reports.push(() => report(aggregate, asked, outcome));
            return outcome;
          },
        });
        return { result, reports };
      });
      for (const report of reports) report();
      return result;
    },
  };
}

async function queryOn<Row>(database: Pick<StoreTransaction, 'query'>, statement: Sql | NumberedSql): Promise<Row[]> {
  const query = 'text' in statement ? statement : toQuery(statement);
  if (!query) return [];
  const { rows } = await database.query<Record<string, unknown>>(query);
  return rows.map(
    (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [camelCase(name), value])) as Row,
  );
}

function requireRows(aggregate: AnyAggregate, shared: StoreOptions['shared'] = {}): void {
  const { category, shared: values } = aggregate as AnyAggregate & { shared?: unknown };
  if (values === undefined || shared[category]) return;
  throw kernelErrors.UNEXPECTED(`${category} has shared values, but the service declares no rows for them`);
}

const idOf = <A extends AnyAggregate>(aggregate: A, input: InputOf<A>): string =>
  (aggregate as unknown as { idOf(input: InputOf<A>): string }).idOf(input);

/** Translates lost appends into the aggregate's `contested` error. Other contention is rethrown unchanged, because it is transient. */
const contestedBy =
  (aggregate: AnyAggregate, id: string) =>
  (error: unknown): never => {
    const isConflict = isAppError(error) && error.code === 'TRANSACTION_CONTENTION' && 'conflicts' in error.details;
    throw isConflict ? contestedError(aggregate, id) : error;
  };
