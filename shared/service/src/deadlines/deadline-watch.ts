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

/** The most streams that are decided in one transaction. */
const BATCH = 200;
/** A search that takes longer is made less often: a tenth of the time at most. */
const SLOW_SEARCH_MS = 300;
/** Between its time in a retry queue being over and an answer being in its queue again. */
const RETURN_MARGIN_MS = 1000;

const alertKinds = defineAlerts({
  DEADLINE_HELD: {
    severity: 'warning',
    meaning: 'Rows of the table named are past their deadline and still wait: an answer may be on its way.',
    action:
      'Look at the reason. End a consumer of the answer queues that is no instance of the service, or an instance that hangs; otherwise wait: the deadline passes once the answers are settled.',
  },
});

/**
 * Lets deadlines pass: `limitMs` after the later of the broker's confirm of a stream's first event and the moment at which the answer queues
 * last regained a consumer, once every answer that had been given by then is applied or dead (docs/adr/0019). All times are the database's.
 * Any number of instances may do it; whoever finds that all of them are clear decides.
 */
export function createDeadlineWatch({ deadlines, consumers, answers, alerts, ...context }: DeadlineWatchOptions) {
  const searches = deadlines.map((deadline) => createSearch(deadline, context));
  const reportHeld = createHold(deadlines, alerts);
  let reportedAt = Number.NEGATIVE_INFINITY;
  let heldBecause: string | undefined;
  let attempt: Promise<void> | undefined;
  const failures: unknown[] = [];

  /** Told once for each return: told again it would seem to lie further in the future. */
  async function telling<Answer>(tell: (returnsInMs: number | undefined) => Promise<Answer>): Promise<Answer> {
    const { returnsAt } = answers;
    const restMs = returnsAt - performance.now();
    const answer = await tell(returnsAt > reportedAt ? (restMs > 0 ? restMs + RETURN_MARGIN_MS : 0) : undefined);
    reportedAt = returnsAt;
    return answer;
  }

  async function passDue(seen: ConsumersSeen, queues: readonly string[], signal: AbortSignal): Promise<void> {
    heldBecause = 'answers are in the hand of this instance';
    const states = await unlessAborted(answers.caughtUp(), signal);
    if (!states) return;
    // The last that they did may have been to move an answer to a retry queue.
    if (seen.lost > 0 && isCounted(states, seen))
      await consumers.markGone((await answers.longestRestMs()) + RETURN_MARGIN_MS);
    const reason = whyNotClear(states, queues, seen);
    const clearance = reason ?? (await telling((returnsInMs) => consumers.clear(seen.now, returnsInMs)));
    heldBecause = typeof clearance === 'string' ? clearance : undefined;
    if (typeof clearance === 'string') return;
    for (const search of searches) await search.decide(seen, clearance, signal);
  }

  /** Not awaited by the looks: what is in hand may take longer than the others' patience with this instance. */
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
     * Describes this instance, looks for what is due and begins to decide it; returns how many streams are due, up to {@link BATCH} of each
     * deadline.
     * @throws what kept this or an earlier look from its end
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
    /** Resolves when nothing that a look has begun is under way. @throws what kept it from its end */
    async settled(): Promise<void> {
      await attempt;
      throwFailure();
    },
    /** The goodbye, once the subscriptions have ended. */
    leave: () => telling((returnsInMs) => consumers.leave(returnsInMs)),
  };
}

/** Finds what is due of one deadline. */
function createSearch(deadline: Deadline, context: Pick<DeadlineWatchOptions, 'store' | 'logger'>) {
  let due = 0;
  let findAt = 0;

  /** Whether the answer queues had been consumed for the limit by then. */
  const hadItsTime = ({ consumedSince }: ConsumersSeen, until: Date) =>
    consumedSince !== null && consumedSince.getTime() <= until.getTime() - deadline.limitMs;

  return {
    /** However many streams wait and are not due, the search does not keep the database busy. */
    async find(seen: ConsumersSeen): Promise<number> {
      const begunAt = performance.now();
      if (begunAt < findAt) return due;
      const find = () => listOverdue(context.store, deadline, seen.now, { limit: BATCH });
      due = hadItsTime(seen, seen.now) ? (await find()).length : 0;
      const tookMs = performance.now() - begunAt;
      findAt = performance.now() + (tookMs > SLOW_SEARCH_MS ? 9 * tookMs : 0);
      return due;
    },
    /** @param until every answer that had been given by then is applied or dead */
    async decide(seen: ConsumersSeen, until: Date, signal: AbortSignal): Promise<void> {
      if (hadItsTime(seen, until)) await decideOverdue(context, deadline, until, { batch: BATCH, signal });
    },
  };
}

/** Remembers for how long what is due has been held back, and says so once that is long. One for all deadlines: they are held for the same reason. */
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

/** Undefined when the signal is aborted first. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  const over = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: over.signal });
  });
  return Promise.race([work, aborted]).finally(() => over.abort());
}

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
      return `the broker counts ${counts.consumers} consumers of ${queue}, of which ${known} are known instances of the service`;
  }
  return undefined;
}
