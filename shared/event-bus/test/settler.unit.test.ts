import { describe, expect, test } from '@jest/globals';
import { AppError, createAlerts, silentLogger } from '@warren/kernel';
import type { BrokerOutcome } from '../src/broker.ts';
import { createRetryPolicy } from '../src/consume/retry-policy.ts';
import { Settler } from '../src/consume/settler.ts';
import { HEADERS } from '../src/header-table.ts';
import type { Delivery, MessageProperties, OutgoingMessage } from '../src/message.ts';

/** A settler without a broker: the test provides the broker's answers. */
function settling(properties: MessageProperties, outcomes: BrokerOutcome[]) {
  const published: OutgoingMessage[] = [];
  const alerts = createAlerts();
  let acks = 0;
  const settler = new Settler({
    queue: 'q',
    service: 's',
    policy: createRetryPolicy(),
    broker: { headerBytes: 20_000 },
    publisher: {
      async publish(message) {
        published.push(message);
        return outcomes.shift() ?? { status: 'confirmed' };
      },
    },
    metrics: {
      consumed: { inc: () => 0 },
      handlerSeconds: { observe: () => 0 },
      retried: () => 0,
      deadLettered: () => 0,
      breaker: () => undefined,
    },
    alerts,
    onRetry: () => undefined,
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  const delivery: Delivery = {
    exchange: 'shop',
    routingKey: 'shop.placed',
    body: Buffer.from('body'),
    properties,
    redelivered: false,
    live: true,
    ack: () => {
      acks += 1;
    },
  };
  const fail = () => settler.fail(delivery, new AppError({ code: 'BAD', kind: 'invalid', message: 'bad' }));
  return { settler, fail, published, alerts, acks: () => acks };
}

const unsendable: BrokerOutcome = { status: 'unsendable', reason: 'too long' };

describe('settling a failed message', () => {
  test("when its properties have grown in decoding, then the copy has them truncated to AMQP's limit", async () => {
    const broken = '\uFFFD'.repeat(200);
    const names = ['messageId', 'type', 'correlationId', 'appId', 'contentType', 'contentEncoding', 'replyTo'] as const;
    const { fail, published, acks } = settling(Object.fromEntries(names.map((name) => [name, broken])), []);
    await fail();
    for (const name of names) expect(published[0]?.properties[name]).toBe('\uFFFD'.repeat(85));
    expect(acks()).toBe(1);
  });

  test('when its timestamp exceeds a safe integer, then the copy has none', async () => {
    const { fail, published } = settling({ timestamp: 2 ** 64 }, []);
    await fail();
    expect(published[0]?.properties.timestamp).toBeUndefined();
  });

  test('when the copy cannot be encoded, then the body moves with nothing but the reason', async () => {
    const { fail, published, acks } = settling({ type: 'Odd', headers: { odd: 1 } }, [unsendable]);
    await fail();
    expect(published).toHaveLength(2);
    expect(published[1]?.body.toString()).toBe('body');
    expect(published[1]?.properties.type).toBeUndefined();
    expect(published[1]?.properties.headers).toMatchObject({
      [HEADERS.errorCode]: 'BAD',
      [HEADERS.droppedHeaders]: 'odd',
    });
    expect(published[1]?.properties.headers).not.toHaveProperty('odd');
    expect(acks()).toBe(1);
  });

  test('when not even that can be encoded, then there are no further attempts, and the message stays with the broker', async () => {
    const { settler, fail, published, alerts, acks } = settling({}, [unsendable, unsendable]);
    await fail();
    expect(published).toHaveLength(2);
    expect(alerts.active()).toMatchObject([{ code: 'MESSAGE_STUCK', subject: 'q', reason: 'too long' }]);
    expect(acks()).toBe(0);
    settler.lost();
    expect(alerts.active()).toEqual([]);
  });
});
