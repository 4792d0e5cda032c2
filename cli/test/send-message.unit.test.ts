import { describe, expect, it } from '@jest/globals';
import { ReceiveStock } from '@shop/events/inventory';
import { createEvent, type PublishOutcome } from '@warren/contracts';
import { publish, sendMessage } from '../src/send-message.ts';

const message = createEvent(ReceiveStock, {
  aggregateId: 'item1',
  data: { productId: 'item1', quantity: 5 },
  source: 'warren-cli',
});

/** Publishes to a broker that answers so, again and again the last of it. The clock moves by the pauses alone. */
async function publishTo(...statuses: PublishOutcome['status'][]) {
  const sent: string[] = [];
  const send = async ({ id }: { id: string }): Promise<PublishOutcome> => {
    sent.push(id);
    const status = statuses[Math.min(sent.length, statuses.length) - 1] ?? 'confirmed';
    return status === 'confirmed' ? { status } : { status, reason: 'for a reason' };
  };
  let ms = 0;
  const pause = async (pauseMs: number) => {
    ms += pauseMs;
  };
  const error = await publish({ tryPublish: send }, message, { host: 'localhost', pause, now: () => ms }).catch(
    (thrown) => thrown,
  );
  return { error, sent };
}

describe('publishing a command', () => {
  it('when the broker takes it late, then copies under one id were sent', async () => {
    const { error, sent } = await publishTo('nacked', 'unknown', 'confirmed');
    expect(error).toBeUndefined();
    expect(sent).toEqual([message.id, message.id, message.id]);
  });

  it.each(['unsent', 'returned', 'unsendable'] as const)(
    'when the broker has none of the copies (%s), then nothing has happened',
    async (status) => {
      expect((await publishTo(status)).error).toMatchObject({ code: 'CLI_NOT_PUBLISHED' });
    },
  );

  it('when a queue refuses it, then another may have it, and that is said', async () => {
    expect((await publishTo('nacked')).error).toMatchObject({ code: 'CLI_PUBLISH_UNKNOWN' });
  });

  it.each(['nacked', 'returned', 'unknown'] as const)(
    'when the broker may have a copy, and then says %s, then that is said, with the id to say it again with',
    async (last) => {
      expect((await publishTo('unknown', last)).error).toMatchObject({
        code: 'CLI_PUBLISH_UNKNOWN',
        message: expect.stringContaining(`--id ${message.id}`),
      });
    },
  );
});

describe('sending a message', () => {
  it('when its consumers would refuse it, then it is not sent, and the reason is that of its contract', async () => {
    const wrong = { ...message, data: { productId: 'item1', quantity: 0 } };
    const terminal = { env: {}, services: new URL('../../services/', import.meta.url) };
    await expect(sendMessage(terminal, ReceiveStock, wrong)).rejects.toMatchObject({ code: 'EVENT_DATA_INVALID' });
  });
});
