import { createCatalogue, createEvent, defineEvent, type EventEnvelope } from '@warren/contracts';
import { EventBus } from '@warren/event-bus';
import { type TestVhost, waitUntil } from '@warren/testing';
import { Type } from 'typebox';

const data = Type.Object({ shippingId: Type.String() });
const at = { version: 1, exchange: 'shipping', schema: data };
const ShippingRequested = defineEvent({ ...at, type: 'ShippingRequested', routingKey: 'shipping.requested' });
const ShippingCompleted = defineEvent({ ...at, type: 'ShippingCompleted', routingKey: 'shipping.completed' });
const catalogue = createCatalogue([ShippingRequested, ShippingCompleted]);

/** How a test crashes the service that it runs, and brings it back. */
export interface CrashingService {
  /** Ends it with SIGKILL; resolves when it has ended. */
  kill(): Promise<unknown>;
  restart(): Promise<unknown>;
}

/**
 * Asks a service that `npx warren new service shipping` has written for two things, one of them three times, and kills it in between.
 * @returns what it says is completed, each event once by its id, when both answers are there
 */
export async function requestAcrossKill(vhost: TestVhost, service: CrashingService): Promise<string[]> {
  const heard = new Map<string, string>();
  const bus = new EventBus({ url: vhost.amqpUrl, service: 'test', catalogue });
  await bus.connect();
  try {
    const handler = async ({ id, data }: EventEnvelope) =>
      void heard.set(id, (data as { shippingId: string }).shippingId);
    await bus.subscribe({ queue: 'test_shipping', bindings: [ShippingCompleted], handler });
    const queue = async () => (await vhost.queues()).find(({ name }) => name === 'shipping_shipping_requested');
    await waitUntil(async () => (await queue())?.consumers, { intervalMs: 500, what: 'the service to consume' });
    const request = (shippingId: string) =>
      createEvent(ShippingRequested, { aggregateId: shippingId, source: 'test', data: { shippingId } });
    const [first, second] = [request('1'), request('2')];
    for (const event of [first, first]) await bus.publish(event);
    await waitUntil(() => heard.size > 0, { what: 'the first answer' });
    await service.kill();
    for (const event of [first, second]) await bus.publish(event);
    await service.restart();
    await waitUntil(() => [...heard.values()].includes('2'), { what: 'the answer after the kill' });
    return [...heard.values()];
  } finally {
    await bus.close();
  }
}
