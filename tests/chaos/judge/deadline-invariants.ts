import { InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import { QUEUES } from '@shop/events/topology';
import { groupBy } from '@warren/kernel';
import { isUnseen } from './blind-spells.ts';
import type { Evidence, LoggedEvent } from './evidence.ts';
import type { Invariant } from './invariant.ts';

/** What the deadline of an order is to be. */
export const DEADLINE_INVARIANTS: readonly Invariant[] = [
  ['an order whose answer was made in time is never timed out', (evidence) => broken(evidence, 'answered in time')],
  [
    'an order is timed out only when the inventory had its time, or a fault took a message of it',
    (evidence) => broken(evidence, 'without its time'),
  ],
];

/** What an order that timed out is due to; the last two ought not to be. */
export type TimeoutCause =
  | 'creation taken by a stranger'
  | 'creation among the dead letters'
  | 'answer taken by a stranger'
  | 'answer among the dead letters'
  | 'answered too late'
  | 'not answered'
  | 'answered in time'
  | 'without its time';

/** An order that timed out. */
interface TimedOut {
  created: LoggedEvent | undefined;
  answer: LoggedEvent | undefined;
  cancelled: LoggedEvent;
  cause: TimeoutCause;
}

const ANSWERS: Readonly<Record<string, string>> = {
  [InventoryReserved.type]: QUEUES.orderInventoryReserved,
  [InventoryUnavailable.type]: QUEUES.orderInventoryUnavailable,
};
/** The observer may see a message so much later than the relay has its confirm: it connects again at its own pace. */
const OBSERVER_LATE_MS = 5000;
/** A cancellation on its way when the broker goes away is still recorded. */
const ON_ITS_WAY_MS = 2000;

/** How many orders timed out, by what that is due to. */
export function timeoutsByCause(evidence: Evidence): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cause } of timedOut(evidence)) counts[`timed out: ${cause}`] = (counts[`timed out: ${cause}`] ?? 0) + 1;
  return counts;
}

function broken(evidence: Evidence, cause: TimeoutCause): string[] {
  const { deadlineMs, seenAt } = evidence;
  const told = (event: LoggedEvent | undefined) =>
    event ? `recorded ${event.recordedAt}, seen ${seenAt.get(event.id) ?? 'never'}` : 'never';
  return timedOut(evidence)
    .filter((one) => one.cause === cause)
    .map(
      ({ created, answer, cancelled }) =>
        `${cancelled.stream}: timed out at ${cancelled.recordedAt} (deadline ${deadlineMs} ms); created: ${told(created)}; answer: ${told(answer)}`,
    );
}

function timedOut(evidence: Evidence): TimedOut[] {
  const { events } = evidence;
  const streams = groupBy(events, ({ stream }) => stream);
  return events
    .filter(({ by }) => by === 'deadline')
    .map((cancelled) => {
      const created = streams.get(cancelled.stream)?.find(({ version }) => version === 1);
      const reservation = streams.get(cancelled.stream.replace('order-', 'reservation-')) ?? [];
      const answer = reservation.find(({ type }) => Object.hasOwn(ANSWERS, type));
      return { created, answer, cancelled, cause: causeOf(evidence, { created, answer, cancelled }) };
    });
}

function causeOf(evidence: Evidence, order: Omit<TimedOut, 'cause'>): TimeoutCause {
  const { created, answer } = order;
  const answers = answer && ANSWERS[answer.type];
  const fate = (queue: string, { id }: LoggedEvent) => fateOf(evidence, queue, id);
  const ofCreation = created && fate(QUEUES.inventoryOrderCreated, created);
  if (ofCreation) return `creation ${ofCreation}`;
  const ofAnswer = answer && answers && fate(answers, answer);
  if (ofAnswer) return `answer ${ofAnswer}`;
  if (answer && !isUnseen(answer, evidence.blindSpells) && wasInTime(evidence, order)) return 'answered in time';
  if (hadNoTime(evidence, order)) return 'without its time';
  return answer ? 'answered too late' : 'not answered';
}

function fateOf({ record, deadLetters }: Evidence, queue: string, id: string) {
  if (record.taken.has(`${queue} ${id}`)) return 'taken by a stranger';
  const isDead = deadLetters.some((letter) => letter.queue === queue && letter.messageId === id);
  return isDead ? 'among the dead letters' : undefined;
}

/** By the latest outage of the broker that an order that timed out has outlived nobody consumed its answers. */
function lastOutage({ outages }: Evidence, { cancelled }: Pick<TimedOut, 'cancelled'>): number {
  const before = outages.filter(({ from }) => from + ON_ITS_WAY_MS < cancelled.recordedAt);
  return Math.max(0, ...before.map(({ to }) => to));
}

/** The answer was on its exchange before the order can have been due. */
function wasInTime(evidence: Evidence, order: Omit<TimedOut, 'cause'>): boolean {
  const { created, answer } = order;
  const answeredAt = answer && evidence.seenAt.get(answer.id);
  const dueAt = Math.max(created?.recordedAt ?? 0, lastOutage(evidence, order)) + evidence.deadlineMs;
  return answeredAt !== undefined && answeredAt < dueAt;
}

/** The order was cancelled sooner after its publication, or after an outage of the broker, than the inventory has time. */
function hadNoTime(evidence: Evidence, order: Omit<TimedOut, 'cause'>): boolean {
  const { created, cancelled } = order;
  const publishedAt = created && evidence.seenAt.get(created.id);
  const isHidden = created !== undefined && isUnseen(created, evidence.blindSpells);
  if (publishedAt === undefined && !isHidden) return true;
  const startedAt = Math.max((publishedAt ?? 0) - OBSERVER_LATE_MS, lastOutage(evidence, order));
  return cancelled.recordedAt < startedAt + evidence.deadlineMs;
}
