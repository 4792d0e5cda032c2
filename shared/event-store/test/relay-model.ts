import { expect } from '@jest/globals';
import type { EventEnvelope, PublishOutcome } from '@warren/contracts';
import { createAlerts, silentLogger } from '@warren/kernel';
import type { ClientBase } from 'pg';
import { type RecordedEvent, toEnvelope } from '../src/index.ts';
import { LOAD_EVENTS, LOAD_PARKED } from '../src/relay/parked-rows.ts';
import { openParking, type Parking } from '../src/relay/parking.ts';
import { loadCursor, type RelayCursor, saveCursor } from '../src/relay/relay-cursor.ts';
import { createRelayMetrics } from '../src/relay/relay-metrics.ts';
import { createRelayReader, type LogPage, type RelayReader } from '../src/relay/relay-reader.ts';
import { createSendWindow, type SendWindow } from '../src/relay/send-window.ts';

export const PAGE_SIZE = 3;
export const MAX_IN_FLIGHT = 6;

interface Stored {
  event: RecordedEvent;
  tx: number;
}

interface ParkedRow {
  reason: string;
  published: boolean;
}

const settled = () => new Promise(setImmediate);

/** What Postgres does for the relay: a log with transactions that end in any order, a stored cursor and parked rows. */
export class ModelDatabase {
  readonly log: Stored[] = [];
  readonly parked = new Map<number, ParkedRow>();
  cursor: RelayCursor = { windowStart: '0', windowEnd: '0', position: 0 };
  /** Called with each stored cursor. */
  onSaved: () => void = () => undefined;
  readonly #open = new Map<number, { tx: number; events: RecordedEvent[] }>();
  readonly #versions = new Map<string, { version: number; tx: number }>();
  #nextTx = 1;
  #nextPosition = 1;

  begin(slot: number): void {
    if (!this.#open.has(slot)) this.#open.set(slot, { tx: this.#takeTx(), events: [] });
  }

  /** Appends to a stream, unless another open transaction has, or one with a higher id (docs/adr/0003). */
  append(slot: number, streamId: string, isInternal: boolean): void {
    this.begin(slot);
    const own = this.#open.get(slot);
    const others = [...this.#open].filter(([other]) => other !== slot);
    if (!own || others.some(([, { events }]) => events.some((event) => event.streamId === streamId))) return;
    const last = this.#versions.get(streamId) ?? { version: 0, tx: 0 };
    if (last.tx > own.tx) return;
    const streamVersion = last.version + 1 + own.events.filter((event) => event.streamId === streamId).length;
    const position = this.#nextPosition;
    this.#nextPosition += 1;
    own.events.push({
      ...{ id: `${position}`, type: 'Counted', version: 1, timestamp: new Date(0).toISOString(), aggregateId: 'a' },
      ...{ data: {}, metadata: {}, routingKey: isInternal ? null : 'counted' },
      ...{ position, streamId, streamVersion },
    } as RecordedEvent);
  }

  /** Returns what the listeners of the store get. */
  commit(slot: number): { events: RecordedEvent[]; tx: number } | undefined {
    const own = this.#open.get(slot);
    this.#open.delete(slot);
    for (const event of own?.events ?? []) {
      this.log.push({ event, tx: own?.tx ?? 0 });
      this.#versions.set(event.streamId, { version: event.streamVersion, tx: own?.tx ?? 0 });
    }
    return own && own.events.length > 0 ? own : undefined;
  }

  rollback(slot: number): void {
    this.#open.delete(slot);
  }

  hasPassed({ tx, event }: Stored): boolean {
    const { windowStart, windowEnd, position } = this.cursor;
    return tx < Number(windowStart) || (tx < Number(windowEnd) && event.position <= position);
  }

  /** A session: window reads answer when the test lets them; once lost, it answers nothing. */
  session(): ModelSession {
    return new ModelSession(this);
  }

  window(start: number, known: readonly number[], limit: number): unknown[] {
    const xmin = Math.min(this.#nextTx, ...[...this.#open.values()].map(({ tx }) => tx));
    const head = {
      window_end: `${xmin}`,
      bound: this.#nextPosition - 1,
      held_back: this.log.some(({ tx }) => tx >= xmin),
    };
    const rows = this.#rows(({ tx }) => tx >= start && tx < xmin, known, limit);
    return rows.length > 0 ? rows.map((row) => ({ ...head, ...row })) : [{ ...head, position: null }];
  }

  rest([start, end, position, bound, limit, known]: [string, string, number, number, number, number[]]): unknown[] {
    const inWindow = (tx: number) => tx >= Number(start) && tx < Number(end);
    const rows = this.#rows(({ event }) => event.position > position && event.position <= bound, known, limit);
    return rows.map((row) => ({ ...row, wanted: row.wanted && inWindow(row.tx) }));
  }

  #takeTx(): number {
    this.#nextTx += 1;
    return this.#nextTx - 1;
  }

  #rows(which: (stored: Stored) => boolean, known: readonly number[], limit: number) {
    return this.log
      .filter((stored) => which(stored) && !known.includes(stored.event.position))
      .toSorted((a, b) => a.event.position - b.event.position)
      .slice(0, limit)
      .map(({ event, tx }) => ({ ...rowOf(event), tx, wanted: event.routingKey !== null }));
  }
}

const rowOf = (event: RecordedEvent) => ({
  ...{ position: event.position, stream_id: event.streamId, stream_version: event.streamVersion, event_id: event.id },
  ...{ type: event.type, schema_version: event.version, aggregate_id: event.aggregateId, occurred_at: new Date(0) },
  ...{ data: event.data, metadata: event.metadata, routing_key: event.routingKey },
});

type SavedValues = [relay: string, windowStart: string, windowEnd: string, position: number, parked: number[]];

class ModelSession {
  lost = false;
  /** Lets the window read that is under way answer. */
  answer: (() => void) | undefined;

  constructor(readonly database: ModelDatabase) {}

  get client(): ClientBase {
    return { query: (query: unknown, values: unknown) => this.#query(query, values) } as unknown as ClientBase;
  }

  async #query(query: unknown, more: unknown): Promise<{ rows: unknown[] }> {
    if (this.lost) throw new Error('the session is lost');
    const { name, text, values } =
      typeof query === 'string' ? { name: '', text: query, values: more } : (query as never);
    const rows = this.#run(name, text, values as readonly unknown[]);
    if (name === 'warren/relay-open' || name === 'warren/relay-continue') {
      await new Promise<void>((resolve) => {
        this.answer = resolve;
      });
      this.answer = undefined;
    }
    return { rows };
  }

  #run(name: string, text: string, values: readonly unknown[]): unknown[] {
    const { log, parked, cursor } = this.database;
    if (name === 'warren/relay-open')
      return this.database.window(Number(values[0]), values[2] as number[], values[1] as number);
    if (name === 'warren/relay-continue') return this.database.rest(values as Parameters<ModelDatabase['rest']>[0]);
    if (name === 'warren/relay-save') return this.#save(values as SavedValues);
    if (text.includes('FROM relay_cursors')) return [cursor];
    if (text.includes('last_value')) return [{ bound: Math.max(0, ...log.map(({ event }) => event.position)) }];
    if (text === LOAD_PARKED) return this.#loadParked();
    if (text === LOAD_EVENTS)
      return log
        .filter(({ event }) => (values[0] as number[]).includes(event.position))
        .map(({ event }) => rowOf(event));
    if (!text.includes('SET published_at')) throw new Error(`unexpected: ${text}`);
    for (const position of values[1] as number[]) parked.set(position, { reason: '', published: true });
    return [];
  }

  #loadParked(): unknown[] {
    const { log, parked } = this.database;
    return log
      .filter(({ event }) => parked.get(event.position)?.published === false)
      .toSorted((a, b) => a.event.position - b.event.position)
      .map(({ event: { position, streamId } }) => ({ position, streamId, kind: 'Counted v1', reason: 'stored' }));
  }

  #save([, windowStart, windowEnd, position, positions]: SavedValues): unknown[] {
    this.database.cursor = { windowStart, windowEnd, position };
    for (const one of positions) this.database.parked.set(one, { reason: '', published: false });
    this.database.onSaved();
    return [];
  }
}

/** An outcome, and whether the broker has the message although the outcome does not say so. */
export interface Answer {
  outcome: PublishOutcome;
  reached?: boolean;
}

/** A broker that answers when the test lets it. */
export class ModelBroker {
  /** Ids in the order in which they reached the queues. */
  readonly published: string[] = [];
  readonly confirmed = new Set<string>();
  open = true;
  readonly #waiting: { id: string; resolve: (outcome: PublishOutcome) => void }[] = [];

  canPublish(): boolean {
    return this.open;
  }

  send(id: string): Promise<PublishOutcome> {
    return new Promise((resolve) => this.#waiting.push({ id, resolve }));
  }

  /** Answers one of the messages under way. Returns false if there is none. */
  answer(which: number, { outcome, reached = false }: Answer): boolean {
    const [one] = this.#waiting.splice(which % Math.max(1, this.#waiting.length), 1);
    if (!one) return false;
    if (outcome.status === 'confirmed' || reached) this.published.push(one.id);
    if (outcome.status === 'confirmed') this.confirmed.add(one.id);
    one.resolve(outcome);
    return true;
  }
}

/** One term of a relay on the model. */
export class ModelTerm {
  /** The events sent in this term, in order. */
  readonly sent: string[] = [];
  readonly lock = { alive: true };
  readonly window: SendWindow;
  #reading: Promise<LogPage> | undefined;

  private constructor(
    readonly broker: ModelBroker,
    readonly session: ModelSession,
    readonly parking: Parking,
    readonly reader: RelayReader,
    readonly start: RelayCursor,
    /** The events that were parked when the term began. */
    readonly inherited: ReadonlySet<string>,
  ) {
    this.window = createSendWindow({
      lock: this.lock,
      parking: parking,
      start: start,
      publisher: {
        canPublish: () => this.broker.canPublish(),
        tryPublish: ({ id }: EventEnvelope) => {
          this.sent.push(id);
          return this.broker.send(id);
        },
      },
      ...{ toWire: toEnvelope, metrics: createRelayMetrics(), logger: silentLogger },
      ...{ maxInFlight: MAX_IN_FLIGHT, onProgress: () => undefined },
    });
  }

  static async begin(database: ModelDatabase, broker: ModelBroker): Promise<ModelTerm> {
    const session = database.session();
    const { client } = session;
    const start = await loadCursor(client, 'outbox');
    const [alerts, logger] = [createAlerts(), silentLogger];
    const parked = [...database.parked].filter(([, { published }]) => !published).map(([position]) => `${position}`);
    const parking = await openParking({ client, relay: 'outbox', retryMs: 1, alerts, logger });
    return new ModelTerm(broker, session, parking, createRelayReader(client, start, PAGE_SIZE), start, new Set(parked));
  }

  /** Begins to read a page, or lets the page that is being read arrive. */
  async read(): Promise<void> {
    if (!this.#reading) {
      if (this.window.size >= MAX_IN_FLIGHT && this.window.size > this.window.ahead) return;
      this.#reading = this.reader.next(this.window.known());
      // A session that was lost.
      this.#reading.catch(() => undefined);
      await settled();
      return;
    }
    this.session.answer?.();
    const page = await this.#reading.catch(() => undefined);
    this.#reading = undefined;
    if (page) this.window.add(page);
    expect(this.window.size).toBeLessThanOrEqual(MAX_IN_FLIGHT + PAGE_SIZE);
  }

  offer(events: readonly RecordedEvent[], tx: number): void {
    this.window.offer(events, BigInt(tx));
  }

  async save(): Promise<void> {
    const unsaved = this.parking.takeUnsaved();
    await saveCursor(this.session.client, 'outbox', this.window.cursor ?? this.start, unsaved).catch(() => undefined);
  }

  /** Sends what is stalled, and retries what is parked. Its answers come later. */
  async pump(): Promise<void> {
    this.window.pump();
    void this.parking.retry((event) => this.window.attempt(event)).catch(() => undefined);
    await settled();
  }
}
