import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type GuardedChannel, guardChannel, settled, useFakeClock, widen } from './guarded-channel.ts';

let guarded: GuardedChannel;
let channel: GuardedChannel['channel'];
let guard: GuardedChannel['guard'];
let names: GuardedChannel['names'];
let ack: GuardedChannel['ack'];
let stuck: GuardedChannel['stuck'];
let ended: GuardedChannel['ended'];
const wide = () => widen(guarded);

const STUCK_AFTER_MS = 30_000;

async function pass(ms: number): Promise<void> {
  await settled();
  jest.advanceTimersByTime(ms);
  await settled();
}

useFakeClock();
beforeEach(async () => {
  guarded = await guardChannel();
  ({ channel, guard, names, ack, stuck, ended } = guarded);
});

describe('a poison guard whose handlers do not end', () => {
  test('when nothing is settled for 30 s, then the suspect is delivered alongside the stuck messages, and the queue continues', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'bad', 3);
    await pass(STUCK_AFTER_MS - 1);
    expect(names()).toEqual(['first', 'endless']);
    await pass(1);
    expect(names()).toEqual(['first', 'endless', 'bad']);
    expect(stuck).toEqual([1]);
    ack('bad');
    await settled();
    channel.deliver('narrow-3', 'good');
    await settled();
    expect(channel.said.slice(-3)).toEqual(['cancel narrow-3', 'prefetch 100', 'consume wide-4']);
  });

  test('when something is settled now and then, then the suspect keeps waiting', async () => {
    await wide();
    for (const name of ['slow 1', 'slow 2', 'slow 3']) channel.deliver('wide-2', name);
    channel.deliver('wide-2', 'bad', 3);
    for (const name of ['slow 1', 'slow 2']) {
      await pass(STUCK_AFTER_MS - 1);
      ack(name);
      await settled();
    }
    await pass(STUCK_AFTER_MS - 1);
    expect(names()).not.toContain('bad');
    expect(stuck).toEqual([]);
  });

  test('when several suspects are held, then all are delivered at once', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'killer', 9);
    channel.deliver('wide-2', 'neighbour', 4);
    await pass(STUCK_AFTER_MS);
    expect(names().slice(-2)).toEqual(['neighbour', 'killer']);
    expect(channel.said.at(-1)).toBe('consume narrow-3');
  });

  test('when another suspect arrives later, then it waits for newer messages, but not for stuck ones', async () => {
    await wide();
    channel.deliver('wide-2', 'endless');
    channel.deliver('wide-2', 'bad', 3);
    await pass(STUCK_AFTER_MS);
    ack('bad');
    await settled();
    channel.deliver('narrow-3', 'good 1');
    await settled();
    channel.deliver('wide-4', 'good 2');
    channel.deliver('wide-4', 'worse', 3);
    ack('good 1');
    ack('endless');
    await settled();
    expect(names()).not.toContain('worse');
    ack('good 2');
    await settled();
    expect(names()).toContain('worse');
    expect(stuck).toEqual([1]);
  });

  test('when the suspect itself does not end, then the others are consumed alongside it', async () => {
    channel.deliver('narrow-1', 'endless', 3);
    await pass(STUCK_AFTER_MS - 1);
    expect(channel.said).toHaveLength(2);
    await pass(1);
    expect(channel.said.slice(2)).toEqual(['cancel narrow-1', 'prefetch 100', 'consume wide-2']);
    expect(stuck).toEqual([1]);
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    expect(names()).toEqual(['endless', 'bad']);
  });

  test('when the suspect ends in time, then it stays narrow', async () => {
    channel.deliver('narrow-1', 'bad', 3);
    await pass(STUCK_AFTER_MS - 1);
    ack('bad');
    await pass(2 * STUCK_AFTER_MS);
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1', 'ack ≤1']);
    expect(stuck).toEqual([]);
  });

  test.each(['narrow-1', 'wide-2'])('when it was stopped before (%s), then nothing is reported', async (consumer) => {
    if (consumer === 'wide-2') {
      await wide();
      channel.deliver(consumer, 'endless');
    }
    channel.deliver(consumer, 'bad', 3);
    await settled();
    const deliveredBefore = names();
    await guard.stop();
    channel.failing = new Error('channel closing');
    await pass(STUCK_AFTER_MS);
    expect(names()).toEqual(deliveredBefore);
    expect([...stuck, ...ended]).toEqual([]);
  });
});
