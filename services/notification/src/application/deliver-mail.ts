import { setTimeout as pause } from 'node:timers/promises';
import { isAppError } from '@warren/kernel';
import type { MailValues, Recipient } from '../domain/delivery.ts';
import type { EndMails } from './end-mails.ts';
import type { ClaimedMail } from './mail-queue.ts';
import type { SendOutcome } from './mailer.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';

/** The longest that a mail is put off, in milliseconds. */
const MAX_DELAY_MS = 900_000;
/** Between two tries to record what cannot be taken back, in milliseconds. */
const RECORD_AGAIN_MS = 250;

/** A mail that can be sent now. */
export interface ReadyMail {
  mail: ClaimedMail;
  recipient: Recipient;
  values: MailValues;
}

/** How long a mail is put off that was tried so often, in milliseconds: twice as long each time. */
export function delayMsOf({ tries }: Pick<ClaimedMail, 'tries'>, retryBaseMs: number): number {
  return Math.min(retryBaseMs * 2 ** tries, MAX_DELAY_MS);
}

/** How long a mail has been put off in all, in milliseconds. Time in which nobody could try it does not count. */
export function waitedMsOf({ tries }: Pick<ClaimedMail, 'tries'>, retryBaseMs: number): number {
  let waitedMs = 0;
  for (let before = 0; before < tries; before += 1) waitedMs += delayMsOf({ tries: before }, retryBaseMs);
  return waitedMs;
}

/**
 * Sends one mail and records what came of it; gives what the mail server said. When it is `unavailable`, the mail is still to be given back.
 * @param stopping ends what would go on until the database is back
 * @throws whatever keeps the outcome from being recorded
 */
export function createDeliverMail(dependencies: NotificationDependencies, endMails: EndMails, stopping: AbortSignal) {
  const { store, queue, letters, mailer, pace, clock, logger } = dependencies;

  /** The mail is out: only the end of the process may keep that from being recorded. */
  async function recordSent(mail: ClaimedMail, recipient: Recipient): Promise<void> {
    const end = { mail, command: { type: 'RecordSent', recipient, sentAt: clock.now() } as const, outcome: 'sent' };
    for (;;) {
      try {
        return await endMails([end]);
      } catch (error) {
        if (stopping.aborted || !isAppError(error) || error.kind !== 'transient') throw error;
        await pause(RECORD_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  }

  return async ({ mail, recipient, values }: ReadyMail): Promise<SendOutcome> => {
    const { mailId, kind } = mail;
    const to = { name: recipient.name, address: recipient.email };
    const outcome = await mailer.send({ mailId, to, ...letters.write(kind, values) });
    if (outcome.status === 'accepted') {
      await recordSent(mail, recipient);
      return outcome;
    }
    const { status, answer } = outcome;
    logger.warn({ mailId, kind, status, answer }, 'the mail server has not taken a mail');
    if (status === 'unavailable') return outcome;
    if (status === 'refused' || waitedMsOf(mail, pace.retryBaseMs) >= pace.giveUpMs)
      await endMails([{ mail, command: { type: 'RecordRefused', answer }, outcome: 'refused' }]);
    // Also without an answer: given back at once, a mail that was taken would go out again and again.
    else await store.transaction((tx) => queue.putOff(tx, [{ ...mail, delayMs: delayMsOf(mail, pace.retryBaseMs) }]));
    return outcome;
  };
}
