import { setTimeout as pause } from 'node:timers/promises';
import { isAppError } from '@warren/kernel';
import type { MailValues, Recipient } from '../domain/delivery.ts';
import { endMail } from './end-mail.ts';
import type { ClaimedMail } from './mail-queue.ts';
import type { SendOutcome } from './mailer.ts';
import type { Sending } from './sending.ts';

/** The longest delay of a mail, in milliseconds. */
const MAX_DELAY_MS = 900_000;
/** Between two attempts to record that a mail was sent, in milliseconds. */
const RECORD_AGAIN_MS = 250;

/** Kinds of errors that are temporary: the database is unavailable, or the same mail is changed concurrently. */
const TEMPORARY: readonly string[] = ['transient', 'conflict'];

/** A mail that can be sent now. */
export interface ReadyMail {
  mail: ClaimedMail;
  recipient: Recipient;
  values: MailValues;
}

/** The delay of a mail after this many attempts, in milliseconds. It doubles each time. */
export function delayMsOf({ tries }: Pick<ClaimedMail, 'tries'>, retryBaseMs: number): number {
  return Math.min(retryBaseMs * 2 ** tries, MAX_DELAY_MS);
}

/** How long a mail was delayed in total, in milliseconds. Time in which no attempt was possible does not count. */
export function waitedMsOf({ tries }: Pick<ClaimedMail, 'tries'>, retryBaseMs: number): number {
  let waitedMs = 0;
  for (let before = 0; before < tries; before += 1) waitedMs += delayMsOf({ tries: before }, retryBaseMs);
  return waitedMs;
}

/**
 * Sends one mail and records the outcome. If the mail server is `unavailable`, the caller must still release the mail.
 * @param stopping ends the attempts to record, which otherwise continue until the database is back
 * @returns the outcome
 * @throws the error that kept the outcome from being recorded
 */
export async function deliverMail(
  sending: Sending,
  { mail, recipient, values }: ReadyMail,
  stopping: AbortSignal,
): Promise<SendOutcome> {
  const { queue, letters, mailer, pace, logger } = sending;
  const { mailId, kind, subjectId } = mail;
  const to = { name: recipient.name, address: recipient.email };
  const outcome = await mailer.send({ mailId, to, ...letters.write(kind, values) });
  if (outcome.status === 'accepted') {
    await recordSent(sending, { mail, recipient }, stopping);
    return outcome;
  }
  const { status, answer } = outcome;
  logger.warn({ mailId, kind, status, answer }, 'the mail server has not accepted a mail');
  if (status === 'unavailable') return outcome;
  if (status === 'refused' || waitedMsOf(mail, pace.retryBaseMs) >= pace.giveUpMs)
    await endMail(sending, mail, { type: 'RecordRefused', data: { kind, subjectId, answer } });
  // Also without an answer: the server may have accepted the mail, and releasing it at once would send it over and over.
  else await queue.putOff([{ ...mail, delayMs: delayMsOf(mail, pace.retryBaseMs) }]);
  return outcome;
}

/** The mail is sent: only the end of the process may keep that from being recorded. */
async function recordSent(
  sending: Sending,
  { mail, recipient }: Pick<ReadyMail, 'mail' | 'recipient'>,
  stopping: AbortSignal,
): Promise<void> {
  const { kind, subjectId } = mail;
  const data = { kind, subjectId, recipient, sentAt: sending.clock.now() };
  for (;;) {
    try {
      return await endMail(sending, mail, { type: 'RecordSent', data });
    } catch (error) {
      if (stopping.aborted || !isAppError(error) || !TEMPORARY.includes(error.kind)) throw error;
      await pause(RECORD_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}
