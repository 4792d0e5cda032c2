import {
  type AnswerConsumers,
  type ConsumersSeen,
  type Deadline,
  decideOverdue,
  listOverdue,
  type Store,
} from '@warren/event-store';
import { type Alerts, defineAlerts, type Logger } from '@warren/kernel';
import type { AnswerQueueState, AnswerQueues } from './answer-queues.ts';

export interface DeadlineWatchOptions {
  deadlines: readonly Deadline[];
  consumers: AnswerConsumers;
  answers: AnswerQueues;
  store: Pick<Store, 'query' | 'decideEach'>;
  logger: Logger;
  alerts: Alerts;
}

/** Maximum number of streams decided in one transaction. */
const BATCH = 200;
/** A search that takes longer, in milliseconds, runs less often: at most a tenth of the time. */
const SLOW_SEARCH_MS = 300;
/** Margin for an answer to return from a retry queue to its queue after its delay. */
const RETURN_MARGIN_MS = 1000;

const alertKinds = defineAlerts({
  DEADLINE_HELD: {
    severity: 'warning',
    meaning: 'Rows of the named table are past their deadline but still wait, because an answer may be on its way.',
    action:
      'Read the reason. End any consumer of the answer queues that is not an instance of the service, and any hanging instance. Otherwise wait: the deadline passes once the answers are settled.',
  },
});

/**
 * Lets deadlines pass: `limitMs` after the broker confirmed a stream's first event or the answer queues last regained a consumer, whichever is
 * later, once every answer that was given by then is applied or dead (docs/adr/0019). All times are the database's. Any number of instances may
 * run this; an instance that finds all of them clear decides.
 */
export function createDeadlineWatch({ deadlines, consumers, answers, alerts, ...context }: DeadlineWatchOptions) {
  const searches = deadlines.map((deadline) => createSearch(deadline, context));
  const reportHeld = createHold(deadlines, alerts);
  let reportedAt = Number.NEGATIVE_INFINITY;
  let heldBecause: string | undefined;
  let attempt: Promise<void> | undefined;
  const failures: unknown[] = [];

  /** Reports each return time only once: a repeated report would move it further into the future. */
  async function telling<Answer>(tell: (returnsInMs: number | undefined) => Promise<Answer>): Promise<Answer> {
    const { returnsAt } = answers;
    const restMs = returnsAt - performance.now();
    const answer = await tell(returnsAt > reportedAt ? (restMs > 0 ? restMs + RETURN_MARGIN_MS : 0) : undefined);
    reportedAt = returnsAt;
    return answer;
  }

  async function passDue(seen: ConsumersSeen, queues: readonly string[], signal: AbortSignal): Promise<void> {
    heldBecause = 'this instance has unsettled answers';
    const states = await unlessAborted(answers.caughtUp(), signal);
    if (!states) return;
    // The last action of the lost instances may have been to move an answer to a retry queue.
    if (seen.lost > 0 && isCounted(states, seen))
      await consumers.markGone((await answers.longestRestMs()) + RETURN_MARGIN_MS);
    const reason = whyNotClear(states, queues, seen);
    const clearance = reason ?? (await telling((returnsInMs) => consumers.clear(seen.now, returnsInMs)));
    heldBecause = typeof clearance === 'string' ? clearance : undefined;
    if (typeof clearance !== 'string') for (const search of searches) await search.decide(seen, clearance, signal);
  }

  /** Not awaited by `look`: settling answers may take longer than the time after which other instances count this one as lost. */
  function begin(...args: Parameters<typeof passDue>): void {
    attempt ??= passDue(...args)
      .catch((error) => void failures.push(error))
      .finally(() => {
        attempt = undefined;
      });
  }

  function throwFailure(): void {
    if (failures.length > 0) throw failures.shift();
  }

  return {
    /**
     * Reports this instance, searches for due streams and starts to decide them. Returns how many streams are due, up to {@link BATCH} per
     * deadline.
     * @throws the failure of this or an earlier call
     */
    async look(signal: AbortSignal): Promise<number> {
      const { consuming, consumed: queues } = answers;
      const seen = await telling((returnsInMs) => consumers.report({ consuming, queues, returnsInMs }));
      let due = 0;
      for (const search of searches) due += await search.find(seen);
      reportHeld(due, heldBecause);
      if (due > 0 || seen.lost > 0) begin(seen, queues, signal);
      throwFailure();
      return due;
    },
    /** Resolves when no decision started by `look` is in progress. @throws the failure of that decision */
    async settled(): Promise<void> {
      await attempt;
      throwFailure();
    },
    /** Reports that this instance leaves. Call it after the subscriptions have ended. */
    leave: () => telling((returnsInMs) => consumers.leave(returnsInMs)),
  };
}

/** Searches for the due streams of one deadline. */
function createSearch(deadline: Deadline, context: Pick<DeadlineWatchOptions, 'store' | 'logger'>) {
  let due = 0;
  let findAt = 0;

  /** Whether the answer queues had been consumed for `limitMs` by then. */
  const hadItsTime = ({ consumedSince }: ConsumersSeen, until: Date) =>
    consumedSince !== null && consumedSince.getTime() <= until.getTime() - deadline.limitMs;

  return {
    /** Returns how many streams are due. The search does not overload the database, however many streams wait that are not due. */
    async find(seen: ConsumersSeen): Promise<number> {
      const begunAt = performance.now();
      if (begunAt < findAt) return due;
      const find = () => listOverdue(context.store, deadline, seen.now, { limit: BATCH });
      due = hadItsTime(seen, seen.now) ? (await find()).length : 0;
      const tookMs = performance.now() - begunAt;
      findAt = performance.now() + (tookMs > SLOW_SEARCH_MS ? 9 * tookMs : 0);
      return due;
    },
    /** @param until time before which every answer given is applied or dead */
    async decide(seen: ConsumersSeen, until: Date, signal: AbortSignal): Promise<void> {
      if (hadItsTime(seen, until)) await decideOverdue(context, deadline, until, { batch: BATCH, signal });
    },
  };
}

/** Raises the alert once due streams have been held for long. All deadlines share it, because they are held for the same reason. */
function createHold(deadlines: readonly Deadline[], alerts: Alerts) {
  const subject = [...new Set(deadlines.map(({ model }) => model.name))].join(', ');
  const longMs = Math.min(Math.max(Math.min(...deadlines.map(({ limitMs }) => limitMs)), 10_000), 300_000);
  let since: number | undefined;

  return (due: number, reason: string | undefined): void => {
    if (due === 0 || reason === undefined) since = undefined;
    else since ??= performance.now();
    if (since === undefined) alerts.clear(alertKinds.DEADLINE_HELD, subject);
    else if (reason !== undefined && performance.now() - since > longMs)
      alerts.raise(alertKinds.DEADLINE_HELD, { subject, reason });
  };
}

/** Resolves to undefined if the signal is aborted first. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  const over = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: over.signal });
  });
  return Promise.race([work, aborted]).finally(() => over.abort());
}

/** True if the broker counts exactly the consumers of the known instances. */
const isCounted = (states: readonly AnswerQueueState[], { expected }: ConsumersSeen): boolean =>
  states.length > 0 && states.every(({ queue, counts }) => counts?.consumers === (expected[queue] ?? 0));

/** @param consumed the queues on which this instance reported a consumer */
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
      return `the broker counts ${counts.consumers} consumers of ${queue}, of which ${known} are known instances of the service`;
  }
  return undefined;
}
