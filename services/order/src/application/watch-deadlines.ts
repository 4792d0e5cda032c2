import type { Alerts } from '@warren/kernel';
import type {
  AnswerConsumers,
  AnswerQueueState,
  AnswerQueues,
  ConsumersSeen,
  HeldBecause,
} from './answer-consumers.ts';
import { cancelOverdue, listOverdue, type OverdueContext } from './cancel-overdue.ts';
import { orderAlerts } from './order-alerts.ts';

export interface DeadlineWatchOptions extends OverdueContext {
  /** How long the inventory has for its answer, in milliseconds. */
  deadlineMs: number;
  consumers: AnswerConsumers;
  answers: AnswerQueues;
  alerts: Alerts;
}

export interface DeadlineWatch {
  /**
   * Describes this instance, looks for orders that are due and begins to cancel them; returns how many are due, up to {@link BATCH}.
   * @throws what kept this or an earlier look from its end
   */
  look(signal: AbortSignal): Promise<number>;
  /** Resolves when nothing that a look has begun is under way. @throws what kept it from its end */
  settled(): Promise<void>;
  /** The goodbye, once the subscriptions have ended. */
  leave(): Promise<void>;
}

/** The most orders that are cancelled in one transaction. */
const BATCH = 200;
/** A search that takes longer is made less often: a tenth of the time at most. */
const SLOW_SEARCH_MS = 300;
/** Between its time in a retry queue being over and an answer being in its queue again. */
const RETURN_MARGIN_MS = 1000;

const HELD: Readonly<Record<HeldBecause, string>> = {
  lost: 'an instance of the order service fell silent without a goodbye, and may still hold answers',
  others: 'another instance of the order service has answers in hand',
  returning: 'answers that failed are on their way back from a retry queue',
  unconsumed: 'nobody consumes the answer queues',
};

/**
 * Cancels orders that the inventory had its time for: `deadlineMs` after the later of the broker's confirm of their creation and the moment at
 * which the answer queues last regained a consumer, once every answer that had been given by then is applied or dead (docs/adr/0019).
 * All times are the database's. Any number of instances may do it; whoever finds that all of them are clear cancels.
 */
export function createDeadlineWatch(options: DeadlineWatchOptions): DeadlineWatch {
  const { deadlineMs, consumers, answers } = options;
  const held = createHold(options);
  let reportedAt = Number.NEGATIVE_INFINITY;
  let due = 0;
  let findAt = 0;
  let attempt: Promise<void> | undefined;
  let failure: { thrown: unknown } | undefined;

  /** Told once for each return: told again it would seem to lie further in the future. */
  async function telling<Answer>(tell: (returnsInMs: number | undefined) => Promise<Answer>): Promise<Answer> {
    const { returnsAt } = answers;
    const restMs = returnsAt - performance.now();
    const answer = await tell(returnsAt > reportedAt ? (restMs > 0 ? restMs + RETURN_MARGIN_MS : 0) : undefined);
    reportedAt = returnsAt;
    return answer;
  }

  const confirmedBefore = (time: Date) => new Date(time.getTime() - deadlineMs);

  /** However many orders are pending and not due, the search does not keep the database busy. */
  async function findDue({ now, consumedSince }: ConsumersSeen): Promise<void> {
    const begunAt = performance.now();
    if (begunAt < findAt) return;
    const mayBeDue = consumedSince !== null && consumedSince <= confirmedBefore(now);
    due = mayBeDue ? (await listOverdue(options, confirmedBefore(now), { limit: BATCH })).length : 0;
    const tookMs = performance.now() - begunAt;
    findAt = performance.now() + (tookMs > SLOW_SEARCH_MS ? 9 * tookMs : 0);
  }

  /** The last that they did may have been to move an answer to a retry queue. */
  async function forgetLost(): Promise<void> {
    const restMs = (await answers.isNothingResting()) ? 0 : answers.longestRestMs;
    await consumers.markGone(restMs + RETURN_MARGIN_MS);
  }

  async function cancelDue(seen: ConsumersSeen, queues: readonly string[], signal: AbortSignal): Promise<void> {
    held.because('answers are in the hand of this instance');
    const states = await Promise.race([answers.caughtUp(), aborted(signal)]);
    if (!states) return;
    if (seen.lost > 0 && isCounted(states, seen)) await forgetLost();
    const reason = whyNotClear(states, queues, seen);
    if (reason !== undefined) return held.because(reason);
    const clearance = await telling((returnsInMs) => consumers.clear(seen.now, returnsInMs));
    if ('heldBecause' in clearance) return held.because(HELD[clearance.heldBecause]);
    held.because(undefined);
    if (seen.consumedSince === null || seen.consumedSince > confirmedBefore(clearance.until)) return;
    await cancelOverdue(options, confirmedBefore(clearance.until), { batch: BATCH, signal });
  }

  /** Not awaited by the looks: what is in hand may take longer than the others' patience with this instance. */
  function begin(seen: ConsumersSeen, queues: readonly string[], signal: AbortSignal): void {
    attempt ??= cancelDue(seen, queues, signal)
      .catch((thrown) => {
        failure = { thrown };
      })
      .finally(() => {
        attempt = undefined;
      });
  }

  function throwFailure(): void {
    if (!failure) return;
    const { thrown } = failure;
    failure = undefined;
    throw thrown;
  }

  return {
    async look(signal) {
      const { consuming, consumed: queues } = answers;
      const seen = await telling((returnsInMs) => consumers.report({ consuming, queues, returnsInMs }));
      await findDue(seen);
      held.update(due);
      if (due > 0 || seen.lost > 0) begin(seen, queues, signal);
      throwFailure();
      return due;
    },
    async settled() {
      await attempt;
      throwFailure();
    },
    leave: () => telling((returnsInMs) => consumers.leave(returnsInMs)),
  };
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

/** The broker counts the consumers of the instances that are known, no more and no less. */
const isCounted = (states: readonly AnswerQueueState[], { expected }: ConsumersSeen): boolean =>
  states.length > 0 && states.every(({ queue, counts }) => counts?.consumers === (expected[queue] ?? 0));

/** @param consumed the queues on which this instance said it has a consumer */
function whyNotClear(
  states: readonly AnswerQueueState[],
  consumed: readonly string[],
  { expected }: ConsumersSeen,
): string | undefined {
  for (const { queue, settled, counts } of states) {
    const known = expected[queue] ?? 0;
    if (!settled || (!counts && consumed.includes(queue))) return `this instance has lost its channel on ${queue}`;
    if (counts && counts.ready > 0) return `${counts.ready} answers wait in ${queue}`;
    if (counts && counts.consumers !== known)
      return `the broker counts ${counts.consumers} consumers of ${queue}, of which ${known} are known order services`;
  }
  return undefined;
}

/** Remembers for how long orders that are due have been held back, and says so once that is long. */
function createHold({ alerts, deadlineMs }: Pick<DeadlineWatchOptions, 'alerts' | 'deadlineMs'>) {
  const subject = 'orders';
  const limitMs = Math.min(Math.max(deadlineMs, 10_000), 300_000);
  let reason: string | undefined;
  let since: number | undefined;

  return {
    because(why: string | undefined): void {
      reason = why;
    },
    /** @param due how many orders are due */
    update(due: number): void {
      if (due === 0 || reason === undefined) since = undefined;
      else since ??= performance.now();
      if (since === undefined) alerts.clear(orderAlerts.DEADLINE_HELD, subject);
      else if (reason !== undefined && performance.now() - since > limitMs)
        alerts.raise(orderAlerts.DEADLINE_HELD, { subject, reason });
    },
  };
}
