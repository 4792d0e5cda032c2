import { describe, expect, test } from '@jest/globals';
import { createAlerts, silentLogger } from '@warren/kernel';
import type { Broker, BrokerOutcome, PendingMessage } from '../src/broker.ts';
import { BusMetrics } from '../src/bus-metrics.ts';
import { encodeEvent } from '../src/event-codec.ts';
import { Publisher } from '../src/publish/publisher.ts';
import { Refusals } from '../src/publish/refusals.ts';
import { Placed, placed } from './shop-events.ts';

/** A broker that answers with the given outcomes in order. */
function scripted(outcomes: BrokerOutcome[], declare: () => Promise<void>) {
  const published: string[] = [];
  const publish = (pending: PendingMessage) => {
    published.push(pending.message.properties.messageId);
    const outcome = outcomes.shift();
    if (outcome) pending.settle(outcome);
  };
  const broker = { publish, declare, isRefused: () => false } as unknown as Broker;
  const refusals = new Refusals({ alerts: createAlerts() });
  const metrics = new BusMetrics(undefined, () => 0);
  return { published, publisher: new Publisher({ broker, metrics, refusals, logger: silentLogger }) };
}

const returned: BrokerOutcome = { status: 'returned', reason: 'no queue is bound' };

describe('publisher', () => {
  test('when a message is returned, then the topology is declared again before it is republished once', async () => {
    const steps: string[] = [];
    const { published, publisher } = scripted(
      [returned, { status: 'confirmed' }],
      async () => void steps.push('declared'),
    );
    const event = placed();
    expect(await publisher.publish(encodeEvent(event, Placed, true))).toEqual({ status: 'confirmed' });
    expect(published).toEqual([event.id, event.id]);
    expect(steps).toEqual(['declared']);
  });

  test('when it is returned a second time, then the outcome is returned, without further attempts', async () => {
    const { published, publisher } = scripted([returned, returned], async () => undefined);
    expect(await publisher.publish(encodeEvent(placed(), Placed, true))).toEqual(returned);
    expect(published).toHaveLength(2);
  });

  test('when the topology cannot be declared, then the outcome is returned with the reason', async () => {
    const { publisher } = scripted([returned], async () => {
      throw new Error('not connected');
    });
    expect(await publisher.publish(encodeEvent(placed(), Placed, true))).toEqual({
      status: 'returned',
      reason: 'no queue is bound; not connected',
    });
  });
});
