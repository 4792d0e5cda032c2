import type { PublishOutcome } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import type { SessionLock } from '../database/session-lock.ts';
import type { RecordedEvent } from '../log/event-store.ts';
import { Ahead } from './ahead.ts';
import type { Parking } from './parking.ts';
import { type PublishEventOptions, publishEvent } from './publish-event.ts';
import { type Refusal, refusalIn } from './refusal.ts';
import type { RelayCursor } from './relay-cursor.ts';
import type { LogPage } from './relay-reader.ts';

export interface SendWindowOptions extends PublishEventOptions {
  /** Once the lock is lost, nothing more is sent: another relay may already publish. */
  lock: Pick<SessionLock, 'alive'>;
  parking: Parking;
  logger: Logger;
  /** The cursor at the start of the term. */
  start: RelayCursor;
  /** Nothing is accepted ahead of the reader while the window has this many entries. */
  maxInFlight: number;
  /** Called when an entry is settled or stalled. */
  onProgress(): void;
}

/** Sends entries concurrently, and tracks up to where all of them are settled. */
export interface SendWindow {
  /** Number of entries that the cursor has not passed. */
  readonly size: number;
  /** Number of these that the reader has not read. */
  readonly ahead: number;
  /** True while entries wait for the publisher or for a pause to end. */
  readonly stalled: boolean;
  /** The relay's position: after the last entry that is settled together with all entries before it. */
  readonly cursor: RelayCursor | undefined;
  /** Returns the positions that the reader need not read. */
  known(): number[];
  /** Returns those of them that are settled. */
  settledAhead(): number[];
  /** Adds what the reader has read. */
  add(page: Pick<LogPage, 'entries' | 'window' | 'cursor'>): void;
  /**
   * Offers the events of a committed transaction. Each one enters at once if it is the next of its stream, the publisher can publish and there
   * is room; otherwise it is left to the reader (docs/adr/0025).
   * @returns false if the reader must read the transaction for one of them to be published
   */
  offer(events: readonly RecordedEvent[], tx: bigint): boolean;
  /** Returns whether the reader has not opened a window with this transaction yet. */
  isUnread(tx: bigint): boolean;
  /** Sends stalled entries whose pause is over. Call it every few tens of milliseconds. */
  pump(): void;
  /** Tries to publish one parked event. */
  attempt(event: RecordedEvent): Promise<PublishOutcome>;
  /**
   * Resolves when nothing is in flight. Entries in line behind an event in flight are still sent: otherwise the cursor could not pass them, and
   * the next relay would publish everything after them again. Does not wait for stalled entries.
   */
  idle(): Promise<void>;
  readonly closed: boolean;
  /** Sends nothing more. */
  close(): void;
}

/**
 * | state of an entry | meaning | next |
 * |---|---|---|
 * | in line | an earlier event of its stream is not settled | sending, parked |
 * | stalled | the publisher cannot publish, or the pause before the next attempt is not over | sending, parked |
 * | sending | the publisher has it | settled, stalled, parked |
 * | settled | confirmed, parked, or nothing to publish; the cursor passes it once all entries before it are settled | – |
 */
interface Entry {
  event: RecordedEvent | undefined;
  /** The relay's position once the entry and all before it are settled; unknown while the entry is ahead of the reader. */
  cursor: RelayCursor | undefined;
  settled: boolean;
  attempts: number;
  notBefore: number;
}

type EventEntry = Entry & { event: RecordedEvent };

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const BEHIND_PARKED = 'an earlier event of its stream is parked';

/**
 * At most one event of a stream is in flight, so the next event of the stream cannot overtake one that is refused or unanswered. Events of
 * different streams do not wait for each other.
 */
export function createSendWindow(options: SendWindowOptions): SendWindow {
  const { publisher, parking, metrics, logger, onProgress } = options;
  let entries: Entry[] = [];
  /** Number of entries at the front of `entries` that the cursor has passed. */
  let passed = 0;
  let cursor: RelayCursor | undefined;
  const ahead = new Ahead<Entry>(BigInt(options.start.windowEnd));
  /** Streams with an event in flight, and the entries waiting behind it; few streams have any. */
  const lines = new Map<string, EventEntry[] | undefined>();
  let stalled: EventEntry[] = [];
  /** Number of events that the publisher has. */
  let sending = 0;
  let onIdle: (() => void) | undefined;
  let closed = false;

  function enter(entry: Entry): void {
    if (!hasEvent(entry)) settle(entry);
    else if (lines.has(entry.event.streamId)) queueUp(entry);
    else {
      lines.set(entry.event.streamId, undefined);
      dispatch(entry);
    }
  }

  /** Returns true if the event has entered before the reader has read it, or needs no publishing. */
  function accept(event: RecordedEvent, tx: bigint): boolean {
    if (!ahead.isNext(event, tx)) return false;
    if (event.routingKey !== null) {
      if (sizeNow() >= options.maxInFlight) return false;
      const entry = newEntry(event);
      ahead.add(event.position, tx, entry);
      enter(entry);
    }
    ahead.note(event);
    return true;
  }

  const sizeNow = (): number => entries.length - passed + ahead.size;

  function queueUp(entry: EventEntry): void {
    const line = lines.get(entry.event.streamId);
    if (line) line.push(entry);
    else lines.set(entry.event.streamId, [entry]);
  }

  function dispatch(entry: EventEntry): void {
    if (closed || !options.lock.alive) return;
    const refusal = parking.refusalOf(entry.event);
    if (parking.holds(entry.event.streamId)) park(entry, BEHIND_PARKED);
    else if (refusal !== undefined) park(entry, refusal);
    else if (!publisher.canPublish()) stall(entry);
    else void send(entry);
  }

  function stall(entry: EventEntry): void {
    stalled.push(entry);
    onProgress();
  }

  async function send(entry: EventEntry): Promise<void> {
    sending += 1;
    const outcome = await publishEvent(entry.event, options);
    sending -= 1;
    const refusal = refusalIn(outcome);
    if (outcome.status === 'confirmed') release(entry);
    else if (refusal) park(entry, refusal.reason, refusal);
    else sendAgain(entry, outcome);
    if (sending === 0) onIdle?.();
  }

  function sendAgain(entry: EventEntry, { status, reason }: { status: string; reason: string }): void {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** entry.attempts, LONGEST_PAUSE_MS);
    entry.attempts += 1;
    entry.notBefore = Date.now() + pauseMs;
    stall(entry);
    metrics.republished.inc();
    const { id: eventId, type } = entry.event;
    logger.debug({ eventId, type, status, reason, attempts: entry.attempts, pauseMs }, 'event will be published again');
  }

  function park(entry: EventEntry, reason: string, refusal?: Refusal): void {
    setAside(entry, reason, refusal);
    letNextGo(entry.event.streamId);
  }

  function setAside(entry: EventEntry, reason: string, refusal?: Refusal): void {
    parking.park(entry.event, reason, refusal);
    metrics.parked.inc();
    settle(entry);
  }

  function release(entry: EventEntry): void {
    settle(entry);
    letNextGo(entry.event.streamId);
  }

  /** Parks the entries behind a parked event in a loop, not recursively: the line of a stream may be thousands long. */
  function letNextGo(streamId: string): void {
    const line = lines.get(streamId);
    while (!closed && line?.[0] && parking.holds(streamId)) setAside(line.shift() as EventEntry, BEHIND_PARKED);
    const next = line?.shift();
    if (next) dispatch(next);
    else lines.delete(streamId);
  }

  function settle(entry: Entry): void {
    entry.settled = true;
    if (entry === entries[passed]) advance();
    onProgress();
  }

  function advance(): void {
    for (let head = entries[passed]; head?.settled; head = entries[passed]) {
      cursor = head.cursor;
      passed += 1;
    }
    if (passed === entries.length || passed > 10_000) {
      entries = entries.slice(passed);
      passed = 0;
    }
  }

  return {
    get size() {
      return sizeNow();
    },
    get ahead() {
      return ahead.size;
    },
    get stalled() {
      return stalled.length > 0;
    },
    get cursor() {
      return cursor;
    },
    get closed() {
      return closed;
    },
    known: () => ahead.positions(),
    settledAhead: () => ahead.positions(({ settled }) => settled),
    isUnread: (tx) => tx >= ahead.readUpTo,
    offer(events, tx) {
      if (!publisher.canPublish()) return tx < ahead.readUpTo;
      const left = events.filter((event) => !accept(event, tx));
      return tx < ahead.readUpTo || left.every(({ routingKey }) => routingKey === null);
    },
    add(page) {
      const known = ahead.pass(page);
      const fresh = page.entries
        .filter(({ position }) => !known.has(position))
        .map(({ position, event }) => [position, newEntry(event)] as const);
      const added = [...known, ...fresh].sort(([a], [b]) => a - b);
      for (const [position, entry] of added) entry.cursor = { ...page.window, position };
      const last = added.at(-1)?.[1];
      if (last) last.cursor = page.cursor;
      for (const [, entry] of added) entries.push(entry);
      for (const [, entry] of fresh) {
        if (entry.event) ahead.note(entry.event);
        enter(entry);
      }
      if (known.size === 0) return;
      advance();
      onProgress();
    },
    pump() {
      if (stalled.length === 0 || closed || !publisher.canPublish()) return;
      const now = Date.now();
      const due = stalled.filter((entry) => entry.notBefore <= now);
      stalled = stalled.filter((entry) => entry.notBefore > now);
      due.sort((a, b) => a.event.position - b.event.position).forEach(dispatch);
    },
    async attempt(event) {
      if (closed || !publisher.canPublish()) return { status: 'unsent', reason: 'the publisher could not publish' };
      return publishEvent(event, options);
    },
    async idle() {
      if (sending === 0) return;
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    },
    close() {
      closed = true;
    },
  };
}

function newEntry(event?: RecordedEvent): Entry {
  return { event, cursor: undefined, settled: false, attempts: 0, notBefore: 0 };
}

function hasEvent(entry: Entry): entry is EventEntry {
  return entry.event !== undefined;
}
