import { decideDelivery } from '../domain/delivery.ts';
import { createDeliverMail, delayMsOf, type ReadyMail, waitedMsOf } from './deliver-mail.ts';
import { createEndMails, type MailEnd } from './end-mails.ts';
import type { ClaimedMail } from './mail-queue.ts';
import { SEND_LIMIT_MS, type SendOutcome } from './mailer.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';

/** How long a claimed mail is nobody else's, in milliseconds. What has not come to its end by then is taken for lost with its process. */
const LEASE_MS = 60_000;

/** What came of one go. */
export interface SendReport {
  /** How many mails it found. */
  found: number;
  /** Whether the mail server could be used; `unasked` when no mail was to be sent. */
  server: { status: 'up' } | { status: 'unasked' } | { status: 'away'; failure: string };
}

/**
 * Deals with up to `limit` mails whose time has come, and sends so many of them at the same moment as `concurrency` says. They are claimed
 * in one transaction, each is sent outside of any, and recorded: a process that dies between the answer of the mail server and the record
 * leaves a mail that is sent again, under the same Message-ID, when the claim has run out (docs/adr/0014). Any number of instances may do this.
 * @param stopping aborted when the service stops
 */
export function createSendMails(dependencies: NotificationDependencies, stopping: AbortSignal) {
  const { store, queue, pace, concurrency, logger } = dependencies;
  const endMails = createEndMails(dependencies);
  const deliver = createDeliverMail(dependencies, endMails, stopping);

  /** Ends and puts off what is not to be sent, and gives the rest. */
  async function sort(claimed: readonly ClaimedMail[]): Promise<ReadyMail[]> {
    const ready: ReadyMail[] = [];
    const early: ClaimedMail[] = [];
    const drops: MailEnd[] = [];
    for (const mail of claimed) {
      const delivery = decideDelivery(mail, { ...pace, waitedMs: waitedMsOf(mail, pace.retryBaseMs) });
      if (delivery.action === 'send') ready.push({ mail, ...delivery });
      else if (delivery.action === 'wait') early.push(mail);
      else drops.push({ mail, command: { type: 'DropMail', why: delivery.why }, outcome: delivery.why });
    }
    await putOff(early);
    await endMails(drops);
    return ready;
  }

  /** Until later, each for as long as its tries say. */
  async function putOff(mails: readonly ClaimedMail[]): Promise<void> {
    const delayed = mails.map((mail) => ({ ...mail, delayMs: delayMsOf(mail, pace.retryBaseMs) }));
    if (delayed.length > 0) await store.transaction((tx) => queue.putOff(tx, delayed));
  }

  /** As if they had never been claimed. */
  async function giveBack(mails: readonly ClaimedMail[]): Promise<void> {
    if (mails.length > 0) await store.transaction((tx) => queue.giveBack(tx, mails));
  }

  /** Sends in `concurrency` lanes as long as the claims last and the mail server answers. What is left over stays in `ready`. */
  async function sendAll(ready: ReadyMail[], claimsEndAt: number): Promise<Map<ReadyMail, SendOutcome>> {
    const outcomes = new Map<ReadyMail, SendOutcome>();
    const mayGoOn = () =>
      !stopping.aborted &&
      performance.now() + SEND_LIMIT_MS < claimsEndAt &&
      (outcomes.size === 0 || isAnswered(outcomes));
    const lane = async (): Promise<void> => {
      while (ready.length > 0 && mayGoOn()) {
        const next = ready.shift() as ReadyMail;
        try {
          outcomes.set(next, await deliver(next));
        } catch (err) {
          const { mailId } = next.mail;
          logger.error({ err, mailId }, 'a mail could not be dealt with: again when its claim has run out');
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return outcomes;
  }

  return async (limit: number): Promise<SendReport> => {
    const claimsEndAt = performance.now() + LEASE_MS;
    const claimed = await store.transaction((tx) => queue.claimDue(tx, { limit, leaseMs: LEASE_MS }));
    const ready = await sort(claimed);
    const outcomes = await sendAll(ready, claimsEndAt);
    // Before those that could not be sent, so that these stand behind them next time: five odd mails must not be all that is ever tried.
    await giveBack(ready.map(({ mail }) => mail));
    const unreached = [...outcomes].filter(([, { status }]) => status === 'unavailable').map(([{ mail }]) => mail);
    // Where other mails of the same moment got an answer, something is the matter with these: they must not hold up the rest.
    await (isAnswered(outcomes) ? putOff(unreached) : giveBack(unreached));
    return { found: claimed.length, server: serverOf(outcomes) };
  };
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
