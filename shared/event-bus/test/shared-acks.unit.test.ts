import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type GuardedChannel, guardChannel, settled, useFakeClock, widen } from './guarded-channel.ts';

const acks = ({ channel }: GuardedChannel): string[] => channel.said.filter((said) => said.startsWith('ack'));

/** A wide consumer that has acknowledged its first message and holds others, `m2` to `m<count + 1>` by their tags. */
async function wideWith(count: number, prefetch = 100, inHand = 1): Promise<GuardedChannel> {
  const guarded = await guardChannel(prefetch, inHand);
  await widen(guarded);
  jest.advanceTimersByTime(20);
  for (let tag = 2; tag < 2 + count; tag += 1) guarded.channel.deliver('wide-2', `m${tag}`);
  guarded.channel.said.length = 0;
  return guarded;
}

/** Each in a turn of its own. */
async function settleEach(guarded: GuardedChannel, names: readonly string[]): Promise<void> {
  for (const name of names) {
    guarded.ack(name);
    await settled();
  }
}

useFakeClock();

describe('acknowledgements of a channel', () => {
  test('when messages are settled within 20 ms, then they share one frame', async () => {
    const guarded = await wideWith(3);
    await settleEach(guarded, ['m2', 'm3', 'm4']);
    expect(acks(guarded)).toEqual([]);
    jest.advanceTimersByTime(20);
    expect(acks(guarded)).toEqual(['ack ≤4']);
  });

  test('when more are settled later, then they wait for another 20 ms at most', async () => {
    const guarded = await wideWith(2);
    await settleEach(guarded, ['m2']);
    jest.advanceTimersByTime(20);
    await settleEach(guarded, ['m3']);
    expect(acks(guarded)).toEqual(['ack ≤2']);
    jest.advanceTimersByTime(20);
    expect(acks(guarded)).toEqual(['ack ≤2', 'ack ≤3']);
  });

  test('when an earlier message is unsettled, then no shared acknowledgement covers it', async () => {
    const guarded = await wideWith(3);
    await settleEach(guarded, ['m2', 'm4']);
    jest.advanceTimersByTime(20);
    expect(acks(guarded)).toEqual(['ack ≤2', 'ack 4']);
  });

  test('when half of the prefetch is settled, then they are sent without waiting', async () => {
    const guarded = await wideWith(10, 10);
    await settleEach(guarded, ['m2', 'm3', 'm4', 'm5']);
    expect(acks(guarded)).toEqual([]);
    await settleEach(guarded, ['m6']);
    expect(acks(guarded)).toEqual(['ack ≤6']);
  });

  test.each([
    { prefetch: 2, inHand: 1, why: 'the prefetch is small' },
    { prefetch: 10, inHand: 9, why: 'the handlers may work on nearly all of them' },
    { prefetch: 10, inHand: 500, why: 'a batch may have more than all of them' },
  ])('when $why, then each is sent without waiting', async ({ prefetch, inHand }) => {
    const guarded = await wideWith(2, prefetch, inHand);
    await settleEach(guarded, ['m2', 'm3']);
    expect(acks(guarded)).toEqual(['ack ≤2', 'ack ≤3']);
  });

  test('when the consumer stops, then what waits is sent, and nothing waits any more', async () => {
    const guarded = await wideWith(2);
    await settleEach(guarded, ['m2']);
    await guarded.guard.stop();
    expect(acks(guarded)).toEqual(['ack ≤2']);
    await settleEach(guarded, ['m3']);
    expect(acks(guarded)).toEqual(['ack ≤2', 'ack ≤3']);
  });

  test('when the channel is about to be replaced, then what waits is sent', async () => {
    const guarded = await wideWith(1);
    await settleEach(guarded, ['m2']);
    guarded.guard.abandon();
    expect(acks(guarded)).toEqual(['ack ≤2']);
  });

  test('when someone waits until all is settled, then that needs no time', async () => {
    const guarded = await wideWith(2);
    await settleEach(guarded, ['m2']);
    let caughtUp: boolean | undefined;
    void guarded.guard.epoch.caughtUp().then((settled) => {
      caughtUp = settled;
    });
    await settleEach(guarded, ['m3']);
    expect(caughtUp).toBe(true);
  });

  test('when a suspect is handled alone, then it is acknowledged without waiting', async () => {
    const guarded = await wideWith(1);
    guarded.channel.deliver('wide-2', 'bad', 3);
    await settleEach(guarded, ['m2', 'bad']);
    expect(acks(guarded)).toEqual(['ack ≤2', 'ack ≤3']);
  });

  test('when the first message is a suspect, then it is acknowledged without waiting', async () => {
    const guarded = await guardChannel();
    guarded.channel.deliver('narrow-1', 'bad', 3);
    await settleEach(guarded, ['bad']);
    expect(acks(guarded)).toEqual(['ack ≤1']);
  });

  test('when the broker has messages left, then no handler lacks one because acknowledgements wait', async () => {
    const cases = fc.record({
      prefetch: fc.integer({ min: 2, max: 30 }),
      handlers: fc.integer({ min: 1, max: 30 }),
      order: fc.array(fc.nat(), { minLength: 40, maxLength: 120 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ prefetch, handlers, order }) => {
        const guarded = await wideWith(0, prefetch, handlers);
        const broker = createBroker(guarded, prefetch, order.length);
        const busiest = Math.min(handlers, prefetch);
        for (const choice of order) {
          broker.deliver();
          const inHand = broker.unsettled.slice(0, busiest);
          expect(inHand).toHaveLength(Math.min(busiest, broker.left));
          const [tag] = broker.unsettled.splice(choice % inHand.length, 1);
          await settleEach(guarded, [`m${tag}`]);
          broker.left -= 1;
        }
      }),
      { numRuns: 30 },
    );
  });
});

/** Delivers a number of messages, with tags from 2, as far as the prefetch and the acknowledgements allow. */
function createBroker(guarded: GuardedChannel, prefetch: number, count: number) {
  let next = 2;
  const outstanding = new Set<number>();
  const unsettled: number[] = [];
  return {
    /** Delivered messages that are not settled, oldest first. */
    unsettled,
    /** How many messages are not settled. */
    left: count,
    deliver() {
      for (const ack of guarded.channel.said.splice(0)) {
        const [, upTo, tag] = /^ack (≤?)(\d+)$/.exec(ack) ?? [];
        for (const one of outstanding) if (upTo ? one <= Number(tag) : one === Number(tag)) outstanding.delete(one);
      }
      for (; outstanding.size < prefetch && next < 2 + count; next += 1) {
        outstanding.add(next);
        unsettled.push(next);
        guarded.channel.deliver('wide-2', `m${next}`);
      }
    },
  };
}
