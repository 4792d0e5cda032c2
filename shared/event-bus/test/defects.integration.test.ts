import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { uniqueName, waitUntil } from '@warren/testing';
import { DeadLetters } from '../src/index.ts';
import { createRabbitHarness, type RabbitHarness } from './bus-harness.ts';
import { Placed, placed } from './shop-events.ts';

describe('defects found in other clients', () => {
  let harness: RabbitHarness;
  let letters: DeadLetters;

  beforeAll(async () => {
    harness = await createRabbitHarness();
    letters = await DeadLetters.connect({ url: harness.amqpUrl });
  });
  afterEach(() => harness.closeBuses());
  afterAll(async () => {
    await letters.close();
    await harness.close();
  });

  test('when several instances consume a queue, then a message has its attempts once, not once for each (retries multiplied by the number of instances)', async () => {
    const queue = uniqueName('shop');
    let tries = 0;
    const handler = async () => {
      tries += 1;
      throw new Error('always');
    };
    const buses = [1, 2, 3].map(() => harness.bus());
    for (const bus of buses) {
      await bus.connect();
      await bus.subscribe({ queue, bindings: [Placed], handler, retry: { maxAttempts: 4, baseMs: 20 } });
    }
    await buses[0]?.publish(placed());
    await waitUntil(async () => (await letters.count(queue)) === 1, { what: 'the dead letter' });
    expect(tries).toBe(4);
    expect((await letters.list(queue))[0]).toMatchObject({ attempts: 4, reason: 'exhausted' });
  });

  test('when a message with its own headers is dead-lettered and replayed, then it still has them (original headers dropped on dead-letter)', async () => {
    const queue = uniqueName('shop');
    const headers = { 'x-tenant': 'north', nested: { deep: true } };
    let fixed = false;
    const seen: unknown[] = [];
    const bus = harness.bus();
    await bus.connect();
    await bus.subscribe({
      queue,
      bindings: [Placed],
      retry: { maxAttempts: 2, baseMs: 20 },
      handler: async (_, context) => {
        if (!fixed) throw new Error('not yet');
        seen.push(context.headers);
      },
    });
    const event = placed();
    const body = Buffer.from(JSON.stringify(event));
    await harness.publishRaw({ exchange: 'shop', routingKey: 'shop.placed', body, messageId: event.id, headers });
    await waitUntil(async () => (await letters.count(queue)) === 1, { what: 'the dead letter' });
    expect((await letters.list(queue))[0]?.headers).toEqual(headers);
    fixed = true;
    expect(await letters.replay(queue)).toBe(1);
    await waitUntil(() => seen.length === 1);
    expect(seen).toEqual([headers]);
  });
});
