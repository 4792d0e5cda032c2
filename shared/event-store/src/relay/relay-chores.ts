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
  /** Where the term began. */
  start: RelayCursor;
}

export interface Chores {
  /** Why the term cannot go on. */
  readonly failure: unknown;
  /** Tries parked events no more, and resolves when none is being tried. The cursor is still stored and sending resumed. */
  endRetries(): Promise<void>;
  /** Ends the rest, and stores the cursor a last time. @throws `failure`, if there is one */
  stop(): Promise<void>;
}

const FORGET_EVERY_MS = 60_000;

/** What is done every `checkpointMs` beside the reading: resume sending, store the cursor, try the parked events again; now and then, forget those published long ago. */
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

  /** What went out from now on could not be passed: the next term would publish it again. */
  function fail(error: unknown): void {
    failure ??= error;
    window.close();
    signal.ring();
  }

  async function save(): Promise<void> {
    const cursor = window.cursor ?? start;
    if (cursor === saved && !parking.hasUnsaved) return;
    // Taken in one go: what is parked before this cursor is in this very list or stored already.
    await saveCursor(lock.client, relay, cursor, parking.takeUnsaved());
    saved = cursor;
  }

  async function forget(): Promise<void> {
    if (Date.now() < forgetAt) return;
    forgetAt = Date.now() + FORGET_EVERY_MS;
    await parking.forget(pace.keepPublishedMs);
  }

  function tick(): void {
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
  }

  function retryParked(): void {
    const retry: Promise<void> = parking
      .retry(async (event) => (mayTryParked ? window.attempt(event) : { status: 'unsent', reason: 'the relay stops' }))
      .catch(fail)
      .finally(() => retries.delete(retry));
    retries.add(retry);
  }

  const timer = setInterval(tick, pace.checkpointMs);
  return {
    get failure() {
      return failure;
    },
    async endRetries() {
      mayTryParked = false;
      await Promise.all(retries);
    },
    async stop() {
      clearInterval(timer);
      await saving;
      if (failure !== undefined) throw failure;
      await save();
      await history?.noteNow(saved);
    },
  };
}
