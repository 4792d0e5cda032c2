import { setTimeout as delay } from 'node:timers/promises';
import type { Alerts, Bell } from '@warren/kernel';
import type { SessionLock } from '../database/session-lock.ts';
import type { CommitListener } from '../log/event-store.ts';
import { openParking, type Parking } from './parking.ts';
import type { RelayOptions, RelayPace } from './relay.ts';
import { startChores } from './relay-chores.ts';
import { loadCursor } from './relay-cursor.ts';
import { createRelayReader, type LogPage } from './relay-reader.ts';
import { createSendWindow, type SendWindow, type SendWindowOptions } from './send-window.ts';

export interface RelayTermOptions extends Pick<SendWindowOptions, 'publisher' | 'toWire' | 'metrics' | 'logger'> {
  /** The relay's name. */
  relay: string;
  lock: SessionLock;
  alerts: Alerts;
  pace: RelayPace;
  confirmHistory: RelayOptions['confirmHistory'];
  /** Rings when there may be something to read, or a reason to stop. */
  signal: Bell;
  isStopping(): boolean;
  /** Called with the term once it serves, and with undefined at its end. */
  onServing(term: RelayTerm | undefined): void;
}

/** A term as leader that is being served. */
export interface RelayTerm {
  readonly window: SendWindow;
  readonly parking: Parking;
  /** Publishes events that this process has committed; what cannot be published now is left to the reader, which is told. */
  readonly committed: CommitListener;
  /** Reads the log now, and until this transaction has been read. @param tx @default only once */
  readNow(tx?: bigint): void;
}

/** Pauses between two reads of the log, in milliseconds: the first pause, the growth factor, and the longest pause (at most `pollMs`). */
const AT_REST = { first: 200, growth: 4, longest: Number.POSITIVE_INFINITY };
/** While events are ahead of the reader: often enough for the cursor to follow. */
const AHEAD = { first: 200, growth: 1, longest: 200 };
/** Pauses while committed events only wait for another transaction to end, which usually takes a few milliseconds. */
const HELD_BACK = { first: 1, growth: 2, longest: 20 };

/** Serves one term as leader: from acquiring the lock until the relay stops or loses its session. */
export async function serveTerm(options: RelayTermOptions): Promise<void> {
  const { relay, lock, publisher, pace, signal } = options;
  const start = await loadCursor(lock.client, relay);
  const parking = await openParking({ ...options, client: lock.client, retryMs: pace.retryMs });
  const reader = createRelayReader(lock.client, start, pace.pageSize);
  let wantsRoom = false;
  /** Somebody asked for a read since the last one began. */
  let asked = false;
  /** The newest transaction that is left to the reader, as far as is known. */
  let awaited = -1n;

  const window = createSendWindow({
    ...options,
    ...{ parking, start, maxInFlight: pace.maxInFlight },
    onProgress() {
      chores.rouse();
      if (wantsRoom) signal.ring();
    },
  });
  const chores = startChores({ ...options, window, parking, start });
  const isOver = () => options.isStopping() || !lock.alive || chores.failure !== undefined;

  function readNow(tx?: bigint): void {
    if (tx !== undefined && tx > awaited) awaited = tx;
    asked = true;
    signal.ring();
  }

  const committed: CommitListener = (events, tx) => {
    const isFirst = window.ahead === 0;
    if (!window.offer(events, BigInt(tx))) readNow(BigInt(tx));
    else if (isFirst && window.ahead > 0) signal.ring();
  };

  async function read(): Promise<LogPage> {
    asked = false;
    const page = await reader.next(window.known());
    window.add(page);
    return page;
  }

  async function readOn(): Promise<void> {
    let pauseMs = 0;
    while (!isOver()) {
      wantsRoom = isFull();
      if (wantsRoom || !publisher.canPublish()) {
        if (!wantsRoom) chores.awaitPublisher();
        await signal.wait(pace.pollMs);
        continue;
      }
      const page = await read();
      if (!page.caughtUp) continue;
      const waits = page.heldBack && (window.ahead === 0 || window.isUnread(awaited));
      const rhythm = waits ? HELD_BACK : window.ahead > 0 ? AHEAD : AT_REST;
      pauseMs = lengthened(page.entries.length > 0 ? 0 : pauseMs, rhythm);
      // What is asked for now would be held back as well.
      if (await isAsked(pauseMs, waits)) pauseMs = 0;
    }
  }

  /** If all entries are ahead of the reader, only reading makes room. */
  const isFull = () => window.size >= pace.maxInFlight && window.size > window.ahead;

  const lengthened = (pauseMs: number, { first, growth, longest }: typeof AT_REST): number =>
    Math.min(Math.max(first, pauseMs * growth), longest, pace.pollMs);

  /** Waits until somebody asks for a read (true) or the pause is over (false). From when an event is ahead, the pause is a short one. */
  async function isAsked(pauseMs: number, isDeaf: boolean): Promise<boolean> {
    let until = performance.now() + pauseMs;
    for (let leftMs = pauseMs; leftMs > 0 && !isOver(); leftMs = until - performance.now()) {
      if (asked && !isDeaf) return true;
      await signal.wait(leftMs);
      if (window.ahead > 0) until = Math.min(until, performance.now() + AHEAD.longest);
    }
    return false;
  }

  /** Lets the cursor pass what was sent ahead of the reader, so that the next term does not publish it again. */
  async function readAhead(): Promise<void> {
    let pauseMs = 0;
    while (window.ahead > 0 && !isFull() && lock.alive && !window.closed) {
      const { caughtUp } = await read();
      if (!caughtUp || window.ahead === 0) continue;
      pauseMs = lengthened(pauseMs, HELD_BACK);
      await delay(pauseMs);
    }
  }

  async function drain(): Promise<void> {
    // Without the lock another relay may already publish, so there is nothing to wait for.
    if (!lock.alive) return;
    const settled = Promise.all([readAhead().then(() => window.idle()), chores.endRetries()]);
    await Promise.race([settled, delay(pace.drainMs, undefined, { ref: false })]);
  }

  async function end(): Promise<void> {
    window.close();
    options.onServing(undefined);
    parking.close();
    await chores.stop();
  }

  options.onServing({ window, parking, committed, readNow });
  try {
    await readOn();
  } finally {
    await drain().finally(end);
  }
}
