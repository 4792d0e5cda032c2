import { expect, test } from '@jest/globals';
import { NOTIFICATION_QUEUES } from '@shop/events/topology';
import type { Binding, QueueSpec } from '@warren/contracts';
import { createSubscriptions, type SubscriptionsOptions } from '../src/adapters/messaging/subscriptions.ts';
import type { Notifications } from '../src/application/notifications.ts';

test('when the service listens, then to the queues of the topology, bound as that says', async () => {
  const subscribed: QueueSpec[] = [];
  const bus = {
    async subscribe({ queue, bindings }: { queue: string; bindings: readonly Binding[] }) {
      subscribed.push({ queue, bindings: bindings.map(({ exchange, routingKey }) => ({ exchange, routingKey })) });
      return { queue, isConsuming: () => true, cancel: async () => undefined };
    },
  } as unknown as SubscriptionsOptions['bus'];
  await createSubscriptions({ bus, notifications: {} as Notifications, prefetch: 1, maxBatch: 1 }).start?.();
  expect(subscribed).toEqual(NOTIFICATION_QUEUES);
});
