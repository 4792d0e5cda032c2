import { OrderCreated, OrderStatusUpdated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { type EventBus, type Subscription, subscriptionsHealth } from '@warren/event-bus';
import type { Component } from '@warren/kernel';
import type { Payments } from '../../application/payments.ts';

export interface SubscriptionsOptions {
  bus: Pick<EventBus, 'subscribe'>;
  payments: Pick<Payments, 'takeOrderEvents'>;
  /** How many messages of a queue the broker hands over unacknowledged. */
  prefetch: number;
  /** The most messages that are handled in one transaction. */
  maxBatch: number;
}

/** What the service listens to, as a component: stopping it finishes the batches in hand and acknowledges them. */
export function createSubscriptions({ bus, payments, prefetch, maxBatch }: SubscriptionsOptions): Component {
  let subscription: Subscription | undefined;
  return {
    name: 'subscriptions',
    async start() {
      subscription = await bus.subscribe({
        queue: QUEUES.paymentOrders,
        bindings: [OrderCreated, OrderStatusUpdated],
        prefetch,
        maxBatch,
        batchHandler: (deliveries) => payments.takeOrderEvents(deliveries.map((delivery) => delivery.event)),
      });
    },
    stop: async () => subscription?.cancel(),
    health: () => subscriptionsHealth(subscription ? [subscription] : []),
  };
}
