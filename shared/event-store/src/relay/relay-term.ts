import { setTimeout as delay } from 'node:timers/promises';
import type { Alerts, Bell } from '@warren/kernel';
import type { SessionLock } from '../database/session-lock.ts';
import type { CommitListener } from '../log/event-store.ts';
import { createLogReading } from './log-reading.ts';
import { openParking, type Parking } from './parking.ts';
import type { RelayOptions, RelayPace } from './relay.ts';
import { startChores } from './relay-chores.ts';
import { loadCursor } from './relay-cursor.ts';
import { createRelayReader } from './relay-reader.ts';
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
  /** Publishes events that this process has committed. What cannot be published now is left to the reader. */
  readonly committed: CommitListener;
  /** Reads the log now. @param tx a transaction to be read @default none */
  readNow(tx?: bigint): void;
}

/** Serves one term as leader: from acquiring the lock until the relay stops or loses its session. */
export async function serveTerm(options: RelayTermOptions): Promise<void> {
  const { relay, lock, publisher, pace, signal } = options;
  const start = await loadCursor(lock.client, relay);
  const parking = await openParking({ ...options, client: lock.client, retryMs: pace.retryMs });
  const window = createSendWindow({
    ...options,
    ...{ parking, start, maxInFlight: pace.maxInFlight },
    onProgress() {
      chores.rouse();
      if (reading.wantsRoom) signal.ring();
    },
  });
  const chores = startChores({ ...options, window, parking, start });
  const reading = createLogReading({
    ...{ window, publisher, pace, signal, reader: createRelayReader(lock.client, start, pace.pageSize) },
    isOver: () => options.isStopping() || !lock.alive || chores.failure !== undefined,
    awaitPublisher: chores.awaitPublisher,
  });

  const committed: CommitListener = (events, tx) => {
    const nothingAhead = window.ahead === 0;
    if (!window.offer(events, BigInt(tx))) reading.readNow(BigInt(tx));
    // The reader may be in a long pause.
    else if (nothingAhead && window.ahead > 0) signal.ring();
  };

  async function drain(): Promise<void> {
    // Without the lock another relay may already publish, so there is nothing to wait for.
    if (!lock.alive) return;
    const settled = Promise.all([reading.catchUp().then(() => window.idle()), chores.endRetries()]);
    await Promise.race([settled, delay(pace.drainMs, undefined, { ref: false })]);
  }

  async function end(): Promise<void> {
    window.close();
    options.onServing(undefined);
    parking.close();
    await chores.stop();
  }

  options.onServing({ window, parking, committed, readNow: reading.readNow });
  try {
    await reading.run();
  } finally {
    await drain().finally(end);
  }
}
