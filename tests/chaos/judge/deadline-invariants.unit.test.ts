import { describe, expect, it } from '@jest/globals';
import { timeoutsByCause } from './deadline-invariants.ts';
import type { Evidence, LoggedEvent } from './evidence.ts';
import { brokenBy, deadPoison, logged, soundRun } from './sound-run.ts';

const IN_TIME = 'an order whose answer was made in time is never timed out';
/** Its messages have ids that are derived from it. */
const CANCEL_9 = '0192f000-0000-7000-8000-000000000019';
const HAD_ITS_TIME = 'an order is timed out only when the inventory had its time, or a fault took a message of it';

/** Placed at 100 s and published at once, with a deadline of 10 s. */
const PLACED_AT = 100_000;

interface Story {
  /** When the order was cancelled as timed out. @default 111 s */
  cancelledAt?: number;
  /** When its creation was seen on the exchange; null: never. @default at once */
  publishedAt?: number | null;
  /** When the inventory's answer was seen; without one there was none. */
  answeredAt?: number;
  more?: Partial<Evidence>;
}

/** The sound run with one more order, which timed out. */
function timedOut({ cancelledAt = 111_000, publishedAt = PLACED_AT, answeredAt, more }: Story): Evidence {
  const sound = soundRun();
  const created: LoggedEvent = { ...logged('c9', 'order-order-9', 1, 'OrderCreated'), recordedAt: PLACED_AT };
  const cancelled: LoggedEvent = {
    ...logged(CANCEL_9, 'order-order-9', 2, 'OrderCancelled'),
    recordedAt: cancelledAt,
    by: 'deadline',
  };
  const answer: LoggedEvent = {
    ...logged('a9', 'reservation-order-9', 1, 'InventoryReserved'),
    recordedAt: answeredAt ?? 0,
  };
  const events = [...sound.events, created, cancelled, ...(answeredAt === undefined ? [] : [answer])];
  const seenAt = new Map(sound.seenAt);
  if (publishedAt !== null) seenAt.set('c9', publishedAt);
  if (answeredAt !== undefined) seenAt.set('a9', answeredAt);
  return { ...sound, events, seenAt, ...more };
}

const brokenDeadlines = (story: Story) =>
  brokenBy(timedOut(story)).filter((promise) => [IN_TIME, HAD_ITS_TIME].includes(promise));
const causes = (story: Story) => timeoutsByCause(timedOut(story));

const taken = (entry: string) => {
  const { record } = soundRun();
  record.taken.add(entry);
  return { record };
};
const dead = (queue: string, messageId: string) => ({ deadLetters: [{ ...deadPoison, queue, messageId }] });

describe('the judgement of orders that timed out', () => {
  it.each<[string, Story, string]>([
    ['there was no answer', {}, 'not answered'],
    ['the answer came after the deadline', { answeredAt: 110_500 }, 'answered too late'],
    ['a stranger took its creation', { more: taken('inventory_order_created c9') }, 'creation taken by a stranger'],
    [
      'a stranger took its answer',
      { answeredAt: 101_000, more: taken('order_inventory_reserved a9') },
      'answer taken by a stranger',
    ],
    ['its creation is dead', { more: dead('inventory_order_created', 'c9') }, 'creation among the dead letters'],
    [
      'its answer is dead',
      { answeredAt: 101_000, more: dead('order_inventory_reserved', 'a9') },
      'answer among the dead letters',
    ],
  ])('when %s, then that is its cause, and no promise is broken', (_, story, cause) => {
    expect(causes(story)).toEqual({ [`timed out: ${cause}`]: 1 });
    expect(brokenDeadlines(story)).toEqual([]);
  });

  it.each<[string, Story, string]>([
    ['the answer was there before its deadline', { answeredAt: 109_000 }, IN_TIME],
    [
      'the answer was there before its deadline, counted from the end of an outage',
      { answeredAt: 129_000, cancelledAt: 135_000, more: { outages: [{ from: 101_000, to: 120_000 }] } },
      IN_TIME,
    ],
    ['its creation was published too late for an answer', { publishedAt: 107_000 }, HAD_ITS_TIME],
    ['its creation was never published', { publishedAt: null }, HAD_ITS_TIME],
    [
      'the broker was away too lately for an answer',
      { cancelledAt: 121_000, more: { outages: [{ from: 101_000, to: 112_000 }] } },
      HAD_ITS_TIME,
    ],
  ])('when %s, then a promise is broken', (_, story, promise) => {
    expect(brokenDeadlines(story)).toEqual([promise]);
  });

  it('when the broker went away as the order was cancelled, then that is not held against it', () => {
    expect(brokenDeadlines({ more: { outages: [{ from: 110_900, to: 112_000 }] } })).toEqual([]);
  });
});
