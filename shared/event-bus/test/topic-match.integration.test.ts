import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestVhost, type TestVhost } from '@warren/testing';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import fc from 'fast-check';
import { topicMatches } from '../src/index.ts';

let vhost: TestVhost;
let connection: ChannelModel;
let channel: ConfirmChannel;

beforeAll(async () => {
  vhost = await createTestVhost();
  connection = await connect(vhost.amqpUrl);
  channel = await connection.createConfirmChannel();
  await channel.assertExchange('topics', 'topic', { durable: true });
});
afterAll(async () => {
  await connection.close();
  await vhost.close();
});

/** Returns the keys that the broker routes to a queue bound with the pattern. */
async function routed(pattern: string, keys: string[]): Promise<string[]> {
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'topics', pattern);
  for (const key of keys) channel.publish('topics', key, Buffer.from(key));
  await channel.waitForConfirms();
  const got: string[] = [];
  for (let message = await channel.get(queue, { noAck: true }); message; ) {
    got.push(message.content.toString());
    message = await channel.get(queue, { noAck: true });
  }
  await channel.deleteQueue(queue);
  return got;
}

const words = (...more: string[]) =>
  fc.array(fc.constantFrom('a', 'b', '', ...more), { maxLength: 6 }).map((all) => all.join('.'));

test('when keys and patterns are random, then ours match exactly where RabbitMQ routes', async () => {
  await fc.assert(
    fc.asyncProperty(
      words('*', '#', '*', '#', 'a#'),
      fc.array(words('*', '#'), { minLength: 20, maxLength: 20 }),
      async (pattern, keys) => {
        expect(await routed(pattern, keys)).toEqual(keys.filter((key) => topicMatches(pattern, key)));
      },
    ),
    { numRuns: 120 },
  );
});
