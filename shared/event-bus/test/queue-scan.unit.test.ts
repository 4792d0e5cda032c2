import { describe, expect, it } from '@jest/globals';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { QueueScan } from '../src/dead-letters/queue-scan.ts';

/** A queue on a broker that delivers up to the prefetch at once, like RabbitMQ, and counts the messages waiting in this process. */
function fakeQueue(bodies: readonly Buffer[]) {
  let next = 0;
  const counts = { delivered: 0, seen: 0, mostWaiting: 0, unsettled: 0 };

  function createChannel() {
    let prefetch = 0;
    let unsettled = 0;
    let deliver: ((message: ConsumeMessage) => void) | undefined;
    const push = () => {
      while (deliver && unsettled < prefetch && next < bodies.length) {
        unsettled += 1;
        counts.delivered += 1;
        counts.unsettled += 1;
        counts.mostWaiting = Math.max(counts.mostWaiting, counts.delivered - counts.seen);
        deliver({ content: bodies[next], properties: {} } as ConsumeMessage);
        next += 1;
      }
    };
    return {
      on: () => undefined,
      async prefetch(count: number) {
        prefetch = count;
      },
      async consume(_: string, onMessage: (message: ConsumeMessage) => void) {
        deliver = onMessage;
        setImmediate(push);
      },
      ack() {
        unsettled -= 1;
        counts.unsettled -= 1;
        push();
      },
      async cancel() {
        deliver = undefined;
      },
      async checkQueue() {
        return { messageCount: bodies.length - next };
      },
      async close() {
        counts.unsettled -= unsettled;
        next -= unsettled;
      },
    };
  }
  return { connection: { createChannel: async () => createChannel() } as unknown as ChannelModel, counts };
}

async function scan(bodies: readonly Buffer[], deal: 'look' | 'take') {
  const { connection, counts } = fakeQueue(bodies);
  const whole = await QueueScan.open(connection, 'q');
  for (let held = await whole.next(); held; held = await whole.next()) {
    counts.seen += 1;
    if (deal === 'take') held.take();
  }
  return { counts, close: () => whole.close() };
}

describe('a scan of a queue', () => {
  it.each(['look', 'take'] as const)(
    'when messages are small, then at most a thousand wait in memory (%s)',
    async (deal) => {
      const { counts, close } = await scan(Array(5000).fill(Buffer.alloc(2000)), deal);
      expect(counts).toMatchObject({ seen: 5000, unsettled: deal === 'look' ? 5000 : 0 });
      expect(counts.mostWaiting).toBeLessThanOrEqual(1000);
      await close();
      expect(counts.unsettled).toBe(0);
    },
  );

  it.each(['look', 'take'] as const)(
    'when messages are large, then as many wait as fit into 8 MB, after a first page of ten (%s)',
    async (deal) => {
      const { counts, close } = await scan(Array(100).fill(Buffer.alloc(1_000_000)), deal);
      expect(counts.seen).toBe(100);
      expect(counts.mostWaiting).toBeLessThanOrEqual(10);
      await close();
    },
  );
});
