import { setTimeout as delay } from 'node:timers/promises';
import type { EventPublisher } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import { openParking, type Parking } from './parking.ts';
import { loadCursor, type RelayCursor, saveCursor } from './relay-cursor.ts';
import type { RelayLock } from './relay-lock.ts';
import type { RelayMetrics } from './relay-metrics.ts';
import { createRelayReader, type LogPage } from './relay-reader.ts';
import type { RelaySignal } from './relay-signal.ts';
import { createSendWindow, type SendWindow, type ToWire } from './send-window.ts';

/** How a relay goes about it. All times in milliseconds. */
export interface RelayPace {
  pageSize: number;
  pollMs: number;
  checkpointMs: number;
  sweepMs: number;
  maxInFlight: number;
  drainMs: number;
}

export interface RelayTermOptions {
  relay: string;
  lock: RelayLock;
  publisher: EventPublisher;
  toWire: ToWire;
  pace: RelayPace;
  signal: RelaySignal;
  metrics: RelayMetrics;
  logger: Logger;
  isStopping(): boolean;
}

/** The pause after a page that brought something; it doubles up to `pollMs` while nothing comes. */
const SHORTEST_PAUSE_MS = 5;

/** One term in office: from having taken the lock until the relay stops or loses its session. */
export async function serveTerm(options: RelayTermOptions): Promise<void> {
  const { relay, lock, publisher, metrics, pace, signal, logger } = options;
  const cursor = await loadCursor(lock.client, relay);
  const parking = await openParking(lock.client, relay, logger);
  let wantsRoom = false;
  const onProgress = () => wantsRoom && signal.ring();
  const window = createSendWindow({ publisher, toWire: options.toWire, parking, metrics, logger, onProgress });
  const reader = createRelayReader(lock.client, cursor, pace.pageSize);
  const chores = startChores(options, window, parking, cursor);
  const isOver = () => options.isStopping() || !lock.alive || chores.failure !== undefined;

  async function readOn(): Promise<void> {
    let pauseMs = SHORTEST_PAUSE_MS;
    while (!isOver()) {
      wantsRoom = window.size >= pace.maxInFlight;
      if (wantsRoom || !publisher.canPublish()) {
        await signal.wait(pace.pollMs);
        continue;
      }
      const page = await reader.next();
      window.add(page.entries);
      if (!page.caughtUp) continue;
      pauseMs = isBusy(page) ? SHORTEST_PAUSE_MS : Math.min(pauseMs * 2, pace.pollMs);
      await signal.wait(pauseMs);
    }
  }

  try {
    await readOn();
  } finally {
    const settled = window.close();
    // Without the lock another relay may publish already: there is nothing to wait for.
    if (lock.alive) await Promise.race([settled, delay(pace.drainMs, undefined, { ref: false })]);
    await chores.finish();
  }
}

const isBusy = (page: LogPage) => page.entries.length > 0 || page.heldBack;

interface Chores {
  /** Why the term cannot go on. */
  readonly failure: unknown;
  /** Does them a last time. @throws what went wrong before */
  finish(): Promise<void>;
}

/** What is done every `checkpointMs` beside the reading: resume sending, store the cursor, try the parked events again. */
function startChores(options: RelayTermOptions, window: SendWindow, parking: Parking, start: RelayCursor): Chores {
  const { relay, lock, publisher, pace, signal, metrics } = options;
  let saved = start;
  let saving: Promise<void> | undefined;
  let sweeping: Promise<void> | undefined;
  let sweepAt = 0;
  let couldPublish = false;
  let failure: unknown;

  function fail(error: unknown): void {
    failure ??= error;
    signal.ring();
  }

  async function save(): Promise<void> {
    const cursor = window.cursor ?? start;
    if (cursor === saved && !parking.hasUnsaved) return;
    // Taken in one go: what is parked before this cursor is in this very list or stored already.
    await saveCursor(lock.client, relay, cursor, parking.takeUnsaved());
    saved = cursor;
  }

  function tick(): void {
    const canPublish = publisher.canPublish();
    if (canPublish && !couldPublish) {
      sweepAt = 0;
      signal.ring();
    }
    couldPublish = canPublish;
    metrics.inFlight.set(window.size);
    window.pump();
    saving ??= save()
      .catch(fail)
      .finally(() => {
        saving = undefined;
      });
    if (!canPublish || sweeping || Date.now() < sweepAt) return;
    sweeping = parking
      .sweep(window.attempt)
      .catch(fail)
      .finally(() => {
        sweeping = undefined;
        sweepAt = Date.now() + pace.sweepMs;
      });
  }

  const timer = setInterval(tick, pace.checkpointMs);
  return {
    get failure() {
      return failure;
    },
    async finish() {
      clearInterval(timer);
      await Promise.all([saving, sweeping]);
      if (failure !== undefined) throw failure;
      await save();
    },
  };
}
