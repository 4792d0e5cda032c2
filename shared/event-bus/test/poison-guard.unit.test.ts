import { beforeEach, describe, expect, test } from '@jest/globals';
import { type GuardedChannel, guardChannel, settled, useFakeClock, widen } from './guarded-channel.ts';

let guarded: GuardedChannel;
let channel: GuardedChannel['channel'];
let guard: GuardedChannel['guard'];
let names: GuardedChannel['names'];
let ack: GuardedChannel['ack'];
let suspects: GuardedChannel['suspects'];
let cancels: GuardedChannel['cancels'];
let ended: GuardedChannel['ended'];
const wide = () => widen(guarded);

useFakeClock();
beforeEach(async () => {
  guarded = await guardChannel();
  ({ channel, guard, names, ack, suspects, cancels, ended } = guarded);
});

describe('the poison guard of a channel', () => {
  test('when nothing has arrived yet, then it consumes one message', () => {
    expect(channel.said).toEqual(['prefetch 1', 'consume narrow-1']);
  });

  test.each([0, 1, 2])('when a message came back %i times, then it consumes many', async (returns) => {
    channel.deliver('narrow-1', 'first', returns);
    await settled();
    expect(names()).toEqual(['first']);
    expect(channel.said.slice(2)).toEqual(['cancel narrow-1', 'prefetch 100', 'consume wide-2']);
    expect(suspects).toEqual([]);
  });

  test('when the first message is settled at once, then it is acknowledged after the narrow consumer has ended', async () => {
    const answer = channel.holdAnswers();
    channel.deliver('narrow-1', 'first');
    ack('first');
    await settled();
    expect(channel.said.slice(2)).toEqual([]);
    answer();
    await settled();
    expect(channel.said.filter((said) => /^(cancel|ack)/.test(said))).toEqual(['cancel narrow-1', 'ack ≤1']);
  });

  test('when the prefetch is 1, then it stays narrow', async () => {
    const { channel: other } = await guardChannel(1);
    other.deliver('narrow-1', 'first');
    await settled();
    expect(other.said).toEqual(['prefetch 1', 'consume narrow-1']);
  });

  test.each(['x-delivery-count', 'x-acquired-count'])(
    'when a message came back 3 times (%s), then it is delivered alone',
    async (header) => {
      channel.deliver('narrow-1', 'bad', 3, header);
      await settled();
      expect(names()).toEqual(['bad']);
      expect(suspects).toEqual(['bad 3']);
      expect(channel.said).toHaveLength(2);
    },
  );

  test('when a suspect arrives among many, then it is held until all others are settled and the broker knows', async () => {
    await wide();
    channel.deliver('wide-2', 'good 1');
    channel.deliver('wide-2', 'bad', 7);
    channel.deliver('wide-2', 'good 2');
    await settled();
    expect(names()).toEqual(['first', 'good 1', 'good 2']);
    expect(guard.consumes).toBe(false);
    expect(guard.serving).toBe(true);
    ack('good 2');
    await settled();
    expect(names()).not.toContain('bad');
    ack('good 1');
    await settled();
    expect(names()).toContain('bad');
    expect(channel.said.slice(-4)).toEqual(['cancel wide-2', 'ack 4', 'ack ≤2', 'prefetch 1']);
  });

  test('when the suspect is settled, then it consumes one message again, and then many', async () => {
    await wide();
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    ack('bad');
    await settled();
    expect(channel.said.slice(-2)).toEqual(['prefetch 1', 'consume narrow-3']);
    channel.deliver('narrow-3', 'good');
    await settled();
    expect(channel.said.slice(-3)).toEqual(['cancel narrow-3', 'prefetch 100', 'consume wide-4']);
  });

  test('when several suspects are held, then they are delivered one by one, the most suspicious last', async () => {
    await wide();
    for (const [name, returns] of [
      ['killer', 9],
      ['neighbour', 4],
      ['other', 3],
    ] as const) {
      channel.deliver('wide-2', name, returns);
    }
    await settled();
    const order = [];
    for (const name of ['other', 'neighbour', 'killer']) {
      order.push(names().at(-1));
      ack(name);
      await settled();
    }
    expect(order).toEqual(['other', 'neighbour', 'killer']);
    expect(names()).toHaveLength(4);
  });

  test('when a suspect arrives right after the first message, then no consumer is left before it is delivered', async () => {
    channel.deliver('narrow-1', 'good');
    await settled();
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    expect(names()).toEqual(['good']);
    ack('good');
    await settled();
    expect(names()).toEqual(['good', 'bad']);
    expect(channel.consumers.size).toBe(0);
  });

  test('when it is stopped while it widens, then no consumer is left', async () => {
    channel.deliver('narrow-1', 'good');
    await guard.stop();
    expect(channel.consumers.size).toBe(0);
    expect(guard.serving).toBe(false);
  });

  test('when it is stopped while a suspect is held, then that is not delivered, and nothing is consumed again', async () => {
    await wide();
    channel.deliver('wide-2', 'good');
    channel.deliver('wide-2', 'bad', 3);
    await settled();
    await guard.stop();
    channel.failing = new Error('channel closing');
    ack('good');
    await settled();
    expect(names()).toEqual(['first', 'good']);
    expect(channel.consumers.size).toBe(0);
    expect(ended).toEqual([]);
  });

  test('when the broker cancels the consumers while it widens, then that is reported once', async () => {
    channel.deliver('narrow-1', 'good');
    for (const consumer of [...channel.consumers.values()]) consumer(null);
    await settled();
    for (const consumer of [...channel.consumers.values()]) consumer(null);
    expect(cancels).toHaveLength(1);
    expect(guard.serving).toBe(false);
  });

  test('when the channel ends while it widens, then that is reported', async () => {
    channel.failing = new Error('channel ended');
    channel.deliver('narrow-1', 'good');
    await settled();
    expect(ended).toEqual([channel.failing]);
  });
});
