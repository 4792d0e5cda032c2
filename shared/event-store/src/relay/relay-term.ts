import { setTimeout as delay } from 'node:timers/promises';
import type { Alerts, Bell } from '@warren/kernel';
import type { SessionLock } from '../database/session-lock.ts';
import { openParking } from './parking.ts';
import type { RelayOptions, RelayPace } from './relay.ts';
import { startChores } from './relay-chores.ts';
import { loadCursor } from './relay-cursor.ts';
import { createRelayReader, type LogPage } from './relay-reader.ts';
import { createSendWindow, type SendWindowOptions } from './send-window.ts';

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
}

/** Pauses between two reads of the log, in milliseconds: the first pause, the growth factor, and the longest pause (at most `pollMs`). */
const AT_REST = { first: 50, growth: 4, longest: Number.POSITIVE_INFINITY };
/** Pauses while committed events only wait for another transaction to end, which usually takes a few milliseconds. */
const HELD_BACK = { first: 1, growth: 2, longest: 20 };

/** Serves one term as leader: from acquiring the lock until the relay stops or loses its session. */
export async function serveTerm(options: RelayTermOptions): Promise<void> {
  const { relay, lock, publisher, pace, signal, metrics } = options;
  const cursor = await loadCursor(lock.client, relay);
  const parking = await openParking({ ...options, client: lock.client, retryMs: pace.retryMs });
  let wantsRoom = false;
  const onProgress = () => wantsRoom && signal.ring();
  const window = createSendWindow({ ...options, parking, onProgress });
  metrics.watched.term = { window, parking };
  const reader = createRelayReader(lock.client, cursor, pace.pageSize);
  const chores = startChores({ ...options, window, parking, start: cursor });
  const isOver = () => options.isStopping() || !lock.alive || chores.failure !== undefined;

  async function readOn(): Promise<void> {
    let pauseMs = 0;
    while (!isOver()) {
      wantsRoom = window.size >= pace.maxInFlight;
      if (wantsRoom || !publisher.canPublish()) {
        await signal.wait(pace.pollMs);
        continue;
      }
      const page = await reader.next();
      window.add(page.entries);
      if (!page.caughtUp) continue;
      const lastMs = page.entries.length > 0 ? 0 : pauseMs;
      pauseMs = pauseAfter(page, lastMs, pace.pollMs);
      if (await signal.wait(pauseMs)) pauseMs = 0;
    }
  }

  try {
    await readOn();
  } finally {
    const settled = Promise.all([window.idle(), chores.endRetries()]);
    // Without the lock another relay may already publish, so there is nothing to wait for.
    if (lock.alive) await Promise.race([settled, delay(pace.drainMs, undefined, { ref: false })]);
    window.close();
    metrics.watched.term = undefined;
    parking.close();
    await chores.stop();
  }
}

function pauseAfter({ heldBack }: LogPage, lastMs: number, pollMs: number): number {
  const { first, growth, longest } = heldBack ? HELD_BACK : AT_REST;
  return Math.min(Math.max(first, lastMs * growth), longest, pollMs);
}
