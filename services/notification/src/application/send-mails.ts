import { setTimeout as pause } from 'node:timers/promises';
import { createId, isAppError } from '@warren/kernel';
import { decideDelivery, type Recipient } from '../domain/delivery.ts';
import type { MailCommand } from '../domain/mail.ts';
import type { ClaimedMail } from './mail-queue.ts';
import { decideMails } from './mail-streams.ts';
import type { SendOutcome } from './mailer.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';

/** How long a claimed mail is nobody else's, in milliseconds. What has not come to its end by then is taken for lost with its process. */
export const LEASE_MS = 60_000;
/** The longest that a mail is put off, in milliseconds. */
const MAX_DELAY_MS = 900_000;
/** Between two tries to record what cannot be taken back, in milliseconds. */
const RECORD_AGAIN_MS = 250;

/** What came of one go. */
export interface SendReport {
  /** How many mails it found. */
  found: number;
  /** Whether the mail server could be used; `unasked` when no mail was to be sent. */
  server: { status: 'up' } | { status: 'unasked' } | { status: 'away'; failure: string };
}

/**
 * Sends up to `limit` mails whose time has come. Each is claimed in a transaction of its own, sent outside of any, and recorded: a process
 * that dies between the answer of the mail server and the record leaves a mail that is sent again, under the same Message-ID, when the
 * claim has run out (docs/adr/0014). Any number of instances may do this.
 * @param stopping ends what would go on until the database is back
 */
export function createSendMails(dependencies: NotificationDependencies, stopping: AbortSignal) {
  const { store, queue, letters, mailer, pace, clock, logger, mails } = dependencies;

  const backoffMs = ({ tries }: ClaimedMail): number => Math.min(pace.retryBaseMs * 2 ** tries, MAX_DELAY_MS);

  /** Brings a mail to its end. When somebody else has done so, our claim had run out: the mail may have been sent twice. */
  async function end(mail: ClaimedMail, command: MailCommand, outcome: string): Promise<void> {
    const { kind, subjectId, mailId, correlationId } = mail;
    const cause = { correlationId, causationId: mailId };
    const request = { subject: { kind, subjectId }, command, eventId: createId(), cause };
    const recorded = await store.transaction(async (tx) => {
      await queue.remove(tx, mailId);
      return decideMails(tx, [request], clock.now());
    });
    const counted = recorded.length === 0 && outcome === 'sent' ? 'repeated' : outcome;
    mails.inc({ kind, outcome: counted });
    logger.info({ mailId, kind, subjectId, correlationId, outcome: counted }, 'a mail has come to its end');
  }

  /** The mail is out: only the end of the process may keep that from being recorded. */
  async function recordSent(mail: ClaimedMail, recipient: Recipient): Promise<void> {
    const command = { type: 'RecordSent', recipient, sentAt: clock.now() } as const;
    for (;;) {
      try {
        return await end(mail, command, 'sent');
      } catch (error) {
        if (stopping.aborted || !isAppError(error) || error.kind !== 'transient') throw error;
        await pause(RECORD_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  }

  function postpone(mail: ClaimedMail, until: { delayMs: number; tried: boolean }): Promise<void> {
    return store.transaction((tx) => queue.postpone(tx, mail, until));
  }
  const putOff = (mail: ClaimedMail) => postpone(mail, { delayMs: backoffMs(mail), tried: true });

  async function settle(mail: ClaimedMail, recipient: Recipient, outcome: SendOutcome): Promise<void> {
    if (outcome.status === 'accepted') return recordSent(mail, recipient);
    const { status, answer } = outcome;
    const { mailId, kind } = mail;
    logger.warn({ mailId, kind, status, answer }, 'the mail server has not taken a mail');
    if (status === 'refused' || (status === 'deferred' && mail.ageMs > pace.giveUpMs))
      return end(mail, { type: 'RecordRefused', answer }, 'refused');
    if (status === 'deferred') return putOff(mail);
  }

  /** Gives what the mail server said, if it was asked. A mail that it was not reached for is still to be given back. */
  async function deliver(mail: ClaimedMail): Promise<SendOutcome | undefined> {
    const delivery = decideDelivery(mail, pace);
    if (delivery.action === 'wait') await putOff(mail);
    if (delivery.action === 'drop') await end(mail, { type: 'DropMail', why: delivery.why }, delivery.why);
    if (delivery.action !== 'send') return undefined;
    const { recipient, values } = delivery;
    const to = { name: recipient.name, address: recipient.email };
    const outcome = await mailer.send({ mailId: mail.mailId, to, ...letters.write(mail.kind, values) });
    await settle(mail, recipient, outcome);
    return outcome;
  }

  return async (limit: number): Promise<SendReport> => {
    const claimed = await store.transaction((tx) => queue.claimDue(tx, { limit, leaseMs: LEASE_MS }));
    const outcomes = await Promise.all(
      claimed.map((mail) =>
        deliver(mail).catch((err) => {
          logger.error(
            { err, mailId: mail.mailId },
            'a mail could not be dealt with: again when its claim has run out',
          );
          return undefined;
        }),
      ),
    );
    const answered = outcomes.some((outcome) => outcome !== undefined && outcome.status !== 'unavailable');
    const unreached = claimed.filter((_, at) => outcomes[at]?.status === 'unavailable');
    // Where other mails of the same moment got an answer, something is the matter with these: they must not hold up the rest.
    for (const mail of unreached) await (answered ? putOff(mail) : postpone(mail, { delayMs: 0, tried: false }));
    const failed = outcomes.find((outcome) => outcome?.status === 'unavailable');
    if (answered) return { found: claimed.length, server: { status: 'up' } };
    if (failed?.status !== 'unavailable') return { found: claimed.length, server: { status: 'unasked' } };
    return { found: claimed.length, server: { status: 'away', failure: failed.answer } };
  };
}
