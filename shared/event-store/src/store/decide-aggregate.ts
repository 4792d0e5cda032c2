import {
  type Aggregate,
  type AnyAggregate,
  type Cause,
  causeOf,
  type EventIn,
  type EventMap,
  type InputOf,
  type RecordedOf,
  type SharedValueOf,
  type StateOf,
} from '@warren/contracts';
import { kernelErrors } from '@warren/kernel';
import type { AppendOperation, NewEvent, StoreTransaction } from '../log/event-store.ts';
import { storeErrors } from '../log/store-errors.ts';
import { contestedError, notCreatedError, replay, streamOf, toLatest, toNewEvent } from './aggregate-log.ts';
import type { SharedChange, SharedRows } from './shared-rows.ts';

type Tx = Pick<StoreTransaction, 'load' | 'lock' | 'append' | 'severalWrites'>;

/** An input for an aggregate. */
export interface Asked<A extends AnyAggregate> {
  readonly input: InputOf<A>;
  /** Cause of the events. Undefined: the first event of the stream. */
  readonly cause: Cause | undefined;
  /** Versions (numbers of events) of the stream that the input may change. @default any */
  readonly ifMatch?: readonly number[] | undefined;
  /** Timestamp of the events. @default the time of the decision */
  readonly at?: Date | undefined;
}

/** The outcome of an input. */
export interface Outcome<A extends AnyAggregate> {
  /** Id of the stream that the input addressed. */
  readonly id: string;
  /** The appended events, in their latest version; empty if the input was ignored. */
  readonly events: readonly RecordedOf<A>[];
  /** Why the input was ignored. */
  readonly ignored?: string;
}

export interface DecideOptions<A extends AnyAggregate> {
  /** Name of the service, for the metadata of events. */
  source: string;
  now: Date;
  /** The rows of the shared values. Required if the aggregate has `shared`. */
  shared?: SharedRows<SharedValueOf<A>> | undefined;
  /** Event versions to record instead of the latest, by type. @default none */
  recordAs?: Readonly<Record<string, number>> | undefined;
  /** Assumes that the streams do not exist and does not load them; the append verifies this. An input that is ignored fails. @default false */
  isNew?: boolean;
}

/** The parts of an aggregate that are needed to run it. Its event types do not matter here. */
type Runnable<A extends AnyAggregate> = Pick<
  Aggregate<string, EventMap, StateOf<A>, InputOf<A>, SharedValueOf<A>>,
  'category' | 'events' | 'ends' | 'initial' | 'idOf' | 'aboutOf' | 'decide' | 'evolve' | 'shared'
>;

/** Maximum attempts to decide inside one transaction when each loses to a concurrent append. */
const MAX_ATTEMPTS = 5;

/**
 * Decides inputs one after the other inside a transaction, appends the resulting events and writes the shared values. Each input sees the
 * changes of those before it. If this throws, the caller must roll back.
 *
 * `ifMatch` is compared with the version to which the decision is appended, so no change can slip in between. It does not apply to an input
 * that changes nothing, because its effect is already in place (RFC 9110, section 13.1.1, allows this response).
 * @returns an outcome for each input, in order
 * @throws what `decide` throws for any input; `contested` of the aggregate; `PRECONDITION_FAILED`; `TRANSACTION_CONTENTION` when the whole
 * transaction must run again
 */
export async function decideAggregate<A extends AnyAggregate>(
  tx: Tx,
  aggregate: A,
  asked: readonly Asked<A>[],
  options: DecideOptions<A>,
): Promise<Outcome<A>[]> {
  const runnable = aggregate as unknown as Runnable<A>;
  const outcomes = new Map<Asked<A>, Outcome<A>>();
  let attempts = 0;
  for (let open = asked; open.length > 0; open = open.filter((one) => !outcomes.has(one))) {
    const ids = [...new Set(open.map(({ input }) => runnable.idOf(input)))];
    const isNew = options.isNew && open === asked;
    const streams = isNew ? new Map(ids.map((id) => [id, []])) : await loadStreams(tx, runnable, ids);
    const round = new Round(runnable, streams, options);
    await round.lock(tx, open);
    const decided = round.decide(open);
    if (decided.length < open.length) tx.severalWrites();
    const lost = await round.commit(tx);
    for (const one of decided) if (!lost.has(runnable.idOf(one.input))) outcomes.set(one, round.outcomeOf(one));
    const [lostId] = lost;
    if (lostId !== undefined) attempts += 1;
    if (lostId !== undefined && attempts === MAX_ATTEMPTS) throw contestedError(aggregate, lostId);
  }
  return asked.map((one) => outcomes.get(one) as Outcome<A>);
}

async function loadStreams<A extends AnyAggregate>(
  tx: Tx,
  aggregate: Runnable<A>,
  ids: readonly string[],
): Promise<Map<string, RecordedOf<A>[]>> {
  const streams = await tx.load(ids.map((id) => streamOf(aggregate, id)));
  const eventsOf = (id: string) => streams.get(streamOf(aggregate, id)) ?? [];
  return new Map(ids.map((id) => [id, eventsOf(id).map((event) => toLatest(aggregate, event) as RecordedOf<A>)]));
}

interface DecidedInput {
  id: string;
  events: readonly NewEvent[];
  ignored?: string;
}

interface Stream<A extends AnyAggregate> {
  first: RecordedOf<A> | undefined;
  loaded: number;
  state: StateOf<A>;
  added: NewEvent[];
}

/** One attempt to decide a batch: streams and shared values as read, and the changes of the decisions so far. */
class Round<A extends AnyAggregate> {
  readonly #aggregate: Runnable<A>;
  readonly #options: DecideOptions<A>;
  readonly #streams: Map<string, Stream<A>>;
  /** The locked keys. Only these may be read. */
  #locked: ReadonlySet<string> = new Set();
  #before: ReadonlyMap<string, SharedValueOf<A>> = new Map();
  #values = new Map<string, SharedValueOf<A>>();
  readonly #steps = new Map<string, (SharedValueOf<A> | undefined)[]>();
  /** Keys that a decision could read, but did not change. */
  readonly #onlyRead = new Set<string>();
  readonly #decisions = new Map<Asked<A>, DecidedInput>();
  readonly #recorded = new Map<string, RecordedOf<A>>();

  constructor(aggregate: Runnable<A>, streams: ReadonlyMap<string, RecordedOf<A>[]>, options: DecideOptions<A>) {
    this.#aggregate = aggregate;
    this.#options = options;
    this.#streams = new Map(
      [...streams].map(([id, events]) => {
        const state = replay(aggregate as unknown as A, events);
        return [id, { first: events[0], loaded: events.length, state, added: [] }];
      }),
    );
  }

  async lock(tx: Tx, asked: readonly Asked<A>[]): Promise<void> {
    const { shared } = this.#options;
    this.#locked = new Set(asked.flatMap((one) => this.#keysOf(one)));
    if (!shared || this.#locked.size === 0) return;
    this.#before = await tx.lock(shared, [...this.#locked]);
    this.#values = new Map(this.#before);
  }

  /**
   * Decides inputs in order, up to the first one that depends on an unlocked shared value, because an earlier input has changed its keys.
   * The first input of a round is always decided.
   * @returns the decided inputs
   */
  decide(open: readonly Asked<A>[]): readonly Asked<A>[] {
    const postponed = open.findIndex((one) => {
      if (this.#keysOf(one).some((key) => !this.#locked.has(key))) return true;
      this.#decide(one);
      return false;
    });
    return postponed === -1 ? open : open.slice(0, postponed);
  }

  #decide(asked: Asked<A>): void {
    const { idOf, aboutOf = idOf, decide, evolve } = this.#aggregate;
    const id = idOf(asked.input);
    const about = aboutOf(asked.input);
    const stream = this.#streamOf(asked);
    const readable = new Set(this.#keysOf(asked));
    const decision = decide(stream.state, asked.input, this.#values);
    if ('outcome' in decision) {
      if (this.#options.isNew) throw notCreatedError(this.#aggregate, id);
      for (const key of readable) this.#onlyRead.add(key);
      this.#decisions.set(asked, { id, events: [], ignored: decision.reason });
      return;
    }
    requireVersion(stream.loaded + stream.added.length, asked.ifMatch);
    const { source, now, recordAs } = this.#options;
    const cause = asked.cause ?? (stream.first ? causeOf(stream.first) : { correlationId: id, causationId: id });
    const events = decision.map((event: EventIn<EventMap>) => {
      for (const key of this.#share(event, stream.state)) readable.delete(key);
      stream.state = evolve(stream.state, event);
      return toNewEvent(this.#aggregate, event, { about, cause, source, now: asked.at ?? now, recordAs });
    });
    for (const key of readable) this.#onlyRead.add(key);
    stream.added.push(...events);
    this.#decisions.set(asked, { id, events });
  }

  /** @returns the keys that the event changes */
  #share(event: EventIn<EventMap>, state: StateOf<A>): string[] {
    const changes = this.#aggregate.shared?.changes(event, state, this.#values) ?? [];
    for (const [key, value] of changes) {
      if (!this.#locked.has(key)) {
        throw kernelErrors.UNEXPECTED(`${event.type} changes the shared value ${key}, which keysOf does not name`);
      }
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
      const steps = this.#steps.get(key);
      if (steps) steps.push(value);
      else this.#steps.set(key, [value]);
    }
    return changes.map(([key]) => key);
  }

  /** Appends the decided events. @returns the ids of streams that were changed concurrently since they were loaded */
  async commit(tx: Tx): Promise<Set<string>> {
    const { shared } = this.#options;
    const changed = [...this.#streams].filter(([, { added }]) => added.length > 0);
    const operations = changed.map(
      ([id, { loaded, added }]): AppendOperation => ({
        streamId: streamOf(this.#aggregate, id),
        expectedVersion: loaded,
        events: added,
      }),
    );
    const changes = this.#changes();
    const outcomes = await tx.append(
      operations,
      shared?.update(changes, this.#options.now),
      shared && {
        rows: shared as SharedRows<unknown>,
        after: new Map(changes.map(({ key, after }) => [key, after])),
        verified: changes.map(({ key }) => key).filter((key) => !this.#onlyRead.has(key)),
      },
    );
    const lost = new Set<string>();
    for (const [at, [id]] of changed.entries()) {
      const outcome = outcomes[at];
      if (outcome?.status !== 'appended') lost.add(id);
      else
        for (const event of outcome.events)
          this.#recorded.set(event.id, toLatest(this.#aggregate, event) as RecordedOf<A>);
    }
    return lost;
  }

  outcomeOf(asked: Asked<A>): Outcome<A> {
    const { id, events, ignored } = this.#decisions.get(asked) as DecidedInput;
    const recorded = events.map((event) => this.#recorded.get(event.id) as RecordedOf<A>);
    return { id, events: recorded, ...(ignored !== undefined && { ignored }) };
  }

  /** Sorted as the collation "C" does. */
  #changes(): SharedChange<SharedValueOf<A>>[] {
    return [...this.#locked]
      .map((key) => ({
        ...{ key, before: this.#before.get(key), after: this.#values.get(key), steps: this.#steps.get(key) ?? [] },
        bytes: Buffer.from(key),
      }))
      .filter(({ before, after }) => before !== after)
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  }

  #keysOf(asked: Asked<A>): readonly string[] {
    return this.#aggregate.shared?.keysOf(asked.input, this.#streamOf(asked).state) ?? [];
  }

  #streamOf({ input }: Asked<A>): Stream<A> {
    return this.#streams.get(this.#aggregate.idOf(input)) as Stream<A>;
  }
}

function requireVersion(version: number, wanted: readonly number[] | undefined): void {
  if (!wanted || wanted.includes(version)) return;
  throw storeErrors.PRECONDITION_FAILED(
    `the current version is ${version}, which If-Match does not name: it was changed meanwhile`,
    { details: { members: { version } } },
  );
}
