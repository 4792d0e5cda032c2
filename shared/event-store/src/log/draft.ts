import { kernelErrors } from '@warren/kernel';
import type { SharedRows } from '../store/shared-rows.ts';
import { EventPosition, hasRows, type Write } from '../store/sql.ts';
import { assertValid } from './append-events.ts';
import { assertIds } from './claim-messages.ts';
import { type CommitParts, inLogOrder, type PlacedEvent } from './commit-statement.ts';
import type {
  AppendOperation,
  AppendOutcome,
  InlineProjection,
  RecordedEvent,
  SharedCommit,
  StoreTransaction,
} from './event-store.ts';
import type { IdempotencyKeys, KeyUse } from './idempotency-key-uses.ts';
import type { KnownValues, Subjects } from './known-values.ts';
import { recorded } from './recorded-event.ts';

/** Why a draft cannot be stored. Its work must run in a transaction. */
export class Unsuited extends Error {
  /**
   * @param reason `several-writes`: the work writes more than once, or in a way that is not data. `unverified`: the work concluded something
   * from a guess that no write of it would verify.
   */
  constructor(readonly reason: 'several-writes' | 'unverified') {
    super(`cannot be stored with one statement: ${reason}`);
  }
}

export interface DraftOptions {
  known: KnownValues;
  projections: readonly InlineProjection[];
  /** Returns a function that stores the parts with one statement and returns the events, in their order. */
  prepare(parts: CommitParts): () => Promise<readonly RecordedEvent[]>;
}

/**
 * A transaction in which the work runs on guesses: every message is new, every stream and shared value is as this process last saw it, and one
 * that it never saw does not exist. Nothing is read. The first write is the commit: it stores everything with one statement, which verifies
 * the guesses. Work that concludes anything from a guess that its write does not verify is stopped before the write.
 */
export class Draft implements StoreTransaction {
  readonly #options: DraftOptions;
  readonly #streams = new Set<string>();
  readonly #keys = new Set<string>();
  #rows: SharedRows<unknown> | undefined;
  /** Guesses about what this process has never seen. */
  readonly #blindStreams = new Set<string>();
  readonly #blindKeys = new Set<string>();
  #unverified: { streams: readonly string[]; keys: readonly string[] } | undefined;
  #claim: CommitParts['claim'];
  #keyClaims: readonly Write[] = [];
  #writesSeveral = false;
  #isSent = false;

  constructor(options: DraftOptions) {
    this.#options = options;
  }

  /** True once the statement was sent. */
  get isSent(): boolean {
    return this.#isSent;
  }

  /** The streams and shared values that the work received as guesses. */
  get guessed(): Subjects {
    return { streams: this.#streams, rows: this.#rows, keys: this.#keys };
  }

  /** Those of them that this process had never seen. */
  get blind(): Subjects {
    return { streams: this.#blindStreams, rows: this.#rows, keys: this.#blindKeys };
  }

  /** Whether the work, which threw or was stopped, may succeed once {@link blind} has been read. */
  get mayNeedReading(): boolean {
    if (this.#writesSeveral) return false;
    const { streams, keys } = this.#unverified ?? { streams: [...this.#blindStreams], keys: [...this.#blindKeys] };
    return streams.some((id) => this.#blindStreams.has(id)) || keys.some((key) => this.#blindKeys.has(key));
  }

  query = (() => this.severalWrites()) as StoreTransaction['query'];

  severalWrites(): never {
    this.#writesSeveral = true;
    throw new Unsuited('several-writes');
  }

  async claim(consumer: string, messageIds: readonly string[]): Promise<Set<string>> {
    if (this.#claim) this.severalWrites();
    assertIds(messageIds);
    const claimed = new Set(messageIds);
    const repeated = messageIds.length - claimed.size;
    if (claimed.size > 0) this.#claim = { consumer, messageIds: [...claimed], repeated };
    return claimed;
  }

  async claimKeys(keys: IdempotencyKeys, uses: readonly KeyUse[]): Promise<Map<string, KeyUse>> {
    this.#keyClaims = [keys.claimAll(uses)];
    return new Map(uses.map((use) => [use.key, use]));
  }

  async load(streamIds: readonly string[]): Promise<Map<string, RecordedEvent[]>> {
    return new Map(streamIds.map((id) => [id, [...this.#guessStream(id)]]));
  }

  async lock<Value>(rows: SharedRows<Value>, keys: readonly string[]): Promise<Map<string, Value>> {
    if (this.#rows && this.#rows !== rows) this.severalWrites();
    this.#rows = rows as SharedRows<unknown>;
    const { known } = this.#options;
    const values = new Map<string, Value>();
    for (const key of keys) {
      this.#keys.add(key);
      if (!known.hasValue(this.#rows, key)) this.#blindKeys.add(key);
      const value = known.value(this.#rows, key) as Value | undefined;
      if (value !== undefined) values.set(key, value);
    }
    return values;
  }

  async append(
    operations: readonly AppendOperation[],
    beside: readonly Write[] = [],
    shared?: SharedCommit,
  ): Promise<AppendOutcome[]> {
    assertValid(operations);
    const events = inLogOrder(operations.flatMap(placed));
    if (events.length === 0 && !beside.some(hasRows)) {
      this.#requireVerified(new Set(), shared);
      return operations.map(() => ({ status: 'appended', events: [] }));
    }
    this.#requireVerified(new Set(events.map(({ streamId }) => streamId)), shared);
    const sent = await this.#send({ before: beside, events, after: this.#projected(events) });
    const byId = new Map(sent.map((event) => [event.id, event]));
    const { known } = this.#options;
    if (shared) known.keepValues(shared.rows, shared.after);
    return operations.map(({ streamId, expectedVersion, events }) => {
      const appended = events.map(({ id }) => byId.get(id) as RecordedEvent);
      known.extendStream(streamId, expectedVersion, appended);
      return { status: 'appended', events: appended };
    });
  }

  async write(writes: readonly Write[]): Promise<void> {
    if (!writes.some(hasRows)) return;
    this.#requireVerified(new Set(), undefined);
    await this.#send({ before: [], events: [], after: writes });
  }

  /** Stores what was claimed, if the work had nothing to write. */
  async finish(): Promise<void> {
    if (this.#isSent) return;
    this.#requireVerified(new Set(), undefined);
    await this.#send({ before: [], events: [], after: [] });
  }

  #guessStream(id: string): readonly RecordedEvent[] {
    this.#streams.add(id);
    const events = this.#options.known.stream(id);
    if (!events) this.#blindStreams.add(id);
    return events ?? [];
  }

  /** A stream is verified by an append to it; a shared value by its change, unless a decision read it that did not change it. */
  #requireVerified(appended: ReadonlySet<string>, shared: SharedCommit | undefined): void {
    const streams = [...this.#streams].filter((id) => !appended.has(id));
    const verified = new Set(shared?.verified);
    const keys = [...this.#keys].filter((key) => !verified.has(key));
    if (streams.length === 0 && keys.length === 0) return;
    this.#unverified = { streams, keys };
    throw new Unsuited('unverified');
  }

  #projected(events: readonly PlacedEvent[]): Write[] {
    if (events.length === 0) return [];
    const pending = events.map(({ event, streamId, streamVersion }, at) =>
      recorded(event, new EventPosition(at + 1) as never, streamId, streamVersion),
    );
    return this.#options.projections.flatMap(({ writes }) => writes?.(pending) ?? this.severalWrites());
  }

  async #send({ before, events, after }: CommitParts): Promise<readonly RecordedEvent[]> {
    if (this.#isSent) throw kernelErrors.UNEXPECTED('the work wrote again after its commit');
    const parts = { claim: this.#claim, before: [...this.#keyClaims, ...before], events, after };
    if (!parts.claim && events.length === 0 && ![...parts.before, ...after].some(hasRows)) return [];
    const send = this.#options.prepare(parts);
    this.#isSent = true;
    return send();
  }
}

const placed = ({ streamId, expectedVersion, events }: AppendOperation): PlacedEvent[] =>
  events.map((event, at) => ({ event, streamId, streamVersion: expectedVersion + 1 + at, expectedVersion }));
