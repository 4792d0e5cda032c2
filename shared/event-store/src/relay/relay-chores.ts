import type { EventPublisher } from '@warren/contracts';
import type { Bell } from '@warren/kernel';
import type { SessionLock } from '../database/session-lock.ts';
import { createConfirmHistory } from './confirm-history.ts';
import type { Parking } from './parking.ts';
import type { RelayOptions, RelayPace } from './relay.ts';
import { type RelayCursor, saveCursor } from './relay-cursor.ts';
import type { SendWindow } from './send-window.ts';

export interface ChoresOptions {
  /** The relay's name. */
  relay: string;
  lock: SessionLock;
  publisher: EventPublisher;
  pace: RelayPace;
  signal: Bell;
  window: SendWindow;
  parking: Parking;
  confirmHistory: RelayOptions['confirmHistory'];
  /** The cursor at the start of the term. */
  start: RelayCursor;
}

export interface Chores {
  /** Why the term cannot continue; undefined while it can. */
  readonly failure: unknown;
  /** Runs the chores soon. They rest while there is nothing to do. */
  rouse(): void;
  /** Rings the signal when the publisher can publish. */
  awaitPublisher(): void;
  /** Stops retrying parked events, and resolves when no retry is in progress. The cursor is still stored, and stalled events are still sent. */
  endRetries(): Promise<void>;
  /** Stops everything, and stores the cursor a last time. @throws `failure`, if there is one */
  stop(): Promise<void>;
}

const FORGET_EVERY_MS = 60_000;

/**
 * Starts the periodic work of a term: send stalled events, store the cursor, retry parked events. It runs every `checkpointMs` as long as there
 * is any. Once a minute, deletes old parked rows.
 */
export function startChores(options: ChoresOptions): Chores {
  const { relay, lock, publisher, pace, signal, window, parking, start } = options;
  const history =
    options.confirmHistory && createConfirmHistory({ client: lock.client, relay, ...options.confirmHistory });
  let saved = start;
  let saving: Promise<void> | undefined;
  const retries = new Set<Promise<void>>();
  let forgetAt = 0;
  let mayTryParked = true;
  let couldPublish = false;
  let failure: unknown;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** Ends the term: the cursor could not pass events sent from now on, and the next term would publish them again. */
  function fail(error: unknown): void {
    failure ??= error;
    window.close();
    signal.ring();
  }

  async function save(): Promise<void> {
    const cursor = window.cursor ?? start;
    if (cursor === saved && !parking.hasUnsaved) return;
    // Cursor and parked events are taken in one turn: every event parked before this cursor is in this list or already stored.
    await saveCursor(lock.client, relay, cursor, parking.takeUnsaved());
    saved = cursor;
  }

  async function forget(): Promise<void> {
    if (Date.now() < forgetAt) return;
    forgetAt = Date.now() + FORGET_EVERY_MS;
    await parking.forget(pace.keepPublishedMs);
  }

  function rouse(): void {
    if (!stopped) timer ??= setTimeout(tick, pace.checkpointMs);
  }

  function hasWork(): boolean {
    if (!couldPublish || window.stalled || parking.size > 0 || parking.hasUnsaved) return true;
    return (window.cursor ?? start) !== saved || history?.isBehind(saved) === true;
  }

  function tick(): void {
    timer = undefined;
    const canPublish = publisher.canPublish();
    if (canPublish && !couldPublish) {
      parking.hurry();
      signal.ring();
    }
    couldPublish = canPublish;
    window.pump();
    saving ??= save()
      .then(() => history?.note(saved))
      .then(forget)
      .catch(fail)
      .finally(() => {
        saving = undefined;
      });
    if (mayTryParked && canPublish) retryParked();
    if (hasWork()) rouse();
  }

  function retryParked(): void {
    const retry: Promise<void> = parking
      .retry(async (event) =>
        mayTryParked ? window.attempt(event) : { status: 'unsent', reason: 'the relay is stopping' },
      )
      .catch(fail)
      .finally(() => retries.delete(retry));
    retries.add(retry);
  }

  rouse();
  const forgetting = setInterval(rouse, FORGET_EVERY_MS);
  return {
    get failure() {
      return failure;
    },
    rouse,
    awaitPublisher() {
      couldPublish = false;
      rouse();
    },
    async endRetries() {
      mayTryParked = false;
      await Promise.all(retries);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      clearInterval(forgetting);
      await saving;
      if (failure !== undefined) throw failure;
      await save();
      await history?.noteNow(saved);
    },
  };
}
