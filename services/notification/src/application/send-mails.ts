import { toAppError } from '@warren/kernel';
import { decideDelivery } from '../domain/delivery.ts';
import type { DropReason } from '../domain/mail.ts';
import { delayMsOf, deliverMail, type ReadyMail, waitedMsOf } from './deliver-mail.ts';
import { endMail } from './end-mail.ts';
import type { ClaimedMail } from './mail-queue.ts';
import { SEND_LIMIT_MS, type SendOutcome } from './mailer.ts';
import type { Sending } from './sending.ts';

/** How long a claim lasts, in milliseconds. A mail that has not ended by then is assumed lost with its process. */
const LEASE_MS = 60_000;

/** The result of one run. */
export interface SendReport {
  /** How many due mails it found. */
  found: number;
  /** Whether the mail server could be used; `unasked` when no mail had to be sent. */
  server: { status: 'up' } | { status: 'unasked' } | { status: 'away'; failure: string };
}

/**
 * Processes up to `limit` due mails, `concurrency` of them at the same time. One transaction claims them; each is then sent outside any
 * transaction and recorded. If the process dies between the mail server's answer and the record, the mail is sent again under the same
 * Message-ID when the claim has expired (docs/adr/0014). Any number of instances may do this.
 * @param stopping aborted when the service stops
 */
export async function sendMails(
  sending: Sending,
  { limit, stopping }: { limit: number; stopping: AbortSignal },
): Promise<SendReport> {
  const { queue } = sending;
  const claimsEndAt = performance.now() + LEASE_MS;
  const claimed = await queue.claimDue({ limit, leaseMs: LEASE_MS });
  const ready = await sort(sending, claimed);
  const outcomes = await sendAll(sending, ready, { claimsEndAt, stopping });
  // Released before the unreachable ones, so that those queue up behind them: otherwise five bad mails could be the only ones ever tried.
  await queue.giveBack(ready.map(({ mail }) => mail));
  const unreached = [...outcomes].filter(([, { status }]) => status === 'unavailable').map(([{ mail }]) => mail);
  // If other mails got an answer in the same run, these mails are the problem: they must not block the rest.
  await (isAnswered(outcomes) ? putOff(sending, unreached) : queue.giveBack(unreached));
  return { found: claimed.length, server: serverOf(outcomes) };
}

/** Drops or postpones mails that are not to be sent. @returns the rest */
async function sort(sending: Sending, claimed: readonly ClaimedMail[]): Promise<ReadyMail[]> {
  const { pace } = sending;
  const ready: ReadyMail[] = [];
  const early: ClaimedMail[] = [];
  for (const mail of claimed) {
    const delivery = decideDelivery(mail, { ...pace, waitedMs: waitedMsOf(mail, pace.retryBaseMs) });
    if (delivery.action === 'send') ready.push({ mail, ...delivery });
    else if (delivery.action === 'wait') early.push(mail);
    else await drop(sending, mail, delivery.why);
  }
  await putOff(sending, early);
  return ready;
}

/** A mail that cannot be dropped does not block the others. @throws transient errors, which affect all mails */
async function drop(sending: Sending, mail: ClaimedMail, why: DropReason): Promise<void> {
  const { kind, subjectId } = mail;
  try {
    await endMail(sending, mail, { type: 'DropMail', data: { kind, subjectId, why } });
  } catch (err) {
    if (toAppError(err).kind === 'transient') throw err;
    logFailure(sending, mail, err);
  }
}

const logFailure = ({ logger }: Sending, { mailId }: ClaimedMail, err: unknown): void =>
  logger.error({ err, mailId }, 'a mail could not be processed: retrying when its claim has expired');

/** Postpones each mail by the delay that follows from its attempts. */
async function putOff({ queue, pace }: Sending, mails: readonly ClaimedMail[]): Promise<void> {
  await queue.putOff(mails.map((mail) => ({ ...mail, delayMs: delayMsOf(mail, pace.retryBaseMs) })));
}

/** Sends in `concurrency` lanes while the claims last and the mail server answers. Unsent mails stay in `ready`. */
async function sendAll(
  sending: Sending,
  ready: ReadyMail[],
  { claimsEndAt, stopping }: { claimsEndAt: number; stopping: AbortSignal },
): Promise<Map<ReadyMail, SendOutcome>> {
  const outcomes = new Map<ReadyMail, SendOutcome>();
  const mayGoOn = () =>
    !stopping.aborted &&
    performance.now() + SEND_LIMIT_MS < claimsEndAt &&
    (outcomes.size === 0 || isAnswered(outcomes));
  const lane = async (): Promise<void> => {
    while (ready.length > 0 && mayGoOn()) {
      const next = ready.shift() as ReadyMail;
      try {
        outcomes.set(next, await deliverMail(sending, next, stopping));
      } catch (err) {
        logFailure(sending, next.mail, err);
      }
    }
  };
  await Promise.all(Array.from({ length: sending.concurrency }, lane));
  return outcomes;
}

type Outcomes = ReadonlyMap<ReadyMail, SendOutcome>;

function isAnswered(outcomes: Outcomes): boolean {
  return [...outcomes.values()].some(({ status }) => status !== 'unavailable' && status !== 'unanswered');
}

function serverOf(outcomes: Outcomes): SendReport['server'] {
  if (isAnswered(outcomes)) return { status: 'up' };
  for (const outcome of outcomes.values())
    if (outcome.status !== 'accepted') return { status: 'away', failure: outcome.answer };
  return { status: 'unasked' };
}
