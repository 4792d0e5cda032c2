import { setTimeout as delay } from 'node:timers/promises';
import { openParking } from './parking.ts';
import type { RelayPace } from './relay.ts';
import { startChores } from './relay-chores.ts';
import { loadCursor } from './relay-cursor.ts';
import type { RelayLock } from './relay-lock.ts';
import { createRelayReader, type LogPage } from './relay-reader.ts';
import type { RelaySignal } from './relay-signal.ts';
import { createSendWindow, type SendWindowOptions } from './send-window.ts';

export interface RelayTermOptions extends Pick<SendWindowOptions, 'publisher' | 'toWire' | 'metrics' | 'logger'> {
  /** The relay's name. */
  relay: string;
  lock: RelayLock;
  pace: RelayPace;
  /** Rings when there may be something to read, or a reason to stop. */
  signal: RelaySignal;
  isStopping(): boolean;
}

/** The pause after a page that brought something. It grows up to `pollMs` while nothing comes. */
const SHORTEST_PAUSE_MS = 5;
const PAUSE_GROWTH = 4;
/** The longest pause while committed events only wait for another transaction to end. */
const HELD_BACK_PAUSE_MS = 20;

/** One term in office: from having taken the lock until the relay stops or loses its session. */
export async function serveTerm(options: RelayTermOptions): Promise<void> {
  const { relay, lock, publisher, pace, signal } = options;
  const cursor = await loadCursor(lock.client, relay);
  const parking = await openParking(lock.client, relay, options.logger);
  let wantsRoom = false;
  const onProgress = () => wantsRoom && signal.ring();
  const window = createSendWindow({ ...options, parking, onProgress });
  const reader = createRelayReader(lock.client, cursor, pace.pageSize);
  const chores = startChores({ ...options, window, parking, start: cursor });
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
      pauseMs = pauseAfter(page, pauseMs, pace.pollMs);
      await signal.wait(pauseMs);
    }
  }

  try {
    await readOn();
  } finally {
    const settled = Promise.all([window.close(), chores.stop()]);
    // Without the lock another relay may publish already: there is nothing to wait for.
    if (lock.alive) await Promise.race([settled, delay(pace.drainMs, undefined, { ref: false })]);
    await chores.saveLast();
  }
}

function pauseAfter(page: LogPage, lastMs: number, pollMs: number): number {
  if (page.entries.length > 0) return SHORTEST_PAUSE_MS;
  return Math.min(lastMs * PAUSE_GROWTH, pollMs, page.heldBack ? HELD_BACK_PAUSE_MS : pollMs);
}
