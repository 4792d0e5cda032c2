import { OrderCancelled, OrderCreated, QUEUES, ReceiveStock } from '@warren/contracts';
import { type EventBus, type Subscription, subscriptionsHealth } from '@warren/event-bus';
import type { Component } from '@warren/kernel';
import type { Inventory } from '../../application/inventory.ts';

export interface SubscriptionsOptions {
  bus: Pick<EventBus, 'subscribe'>;
  inventory: Inventory;
  /** How many messages of a queue the broker hands over unacknowledged. */
  prefetch: number;
  /** The most messages that are handled in one transaction. */
  maxBatch: number;
}

/** What the service listens to, as a component: stopping it finishes the batches in hand and acknowledges them. */
export function createSubscriptions({ bus, inventory, prefetch, maxBatch }: SubscriptionsOptions): Component {
  const subscriptions: Subscription[] = [];
  return {
    name: 'subscriptions',
    async start() {
      const orders = await bus.subscribe({
        queue: QUEUES.inventoryOrderCreated,
        bindings: [OrderCreated],
        prefetch,
        maxBatch,
        batchHandler: (deliveries) => inventory.reserveStock(deliveries.map((delivery) => delivery.event)),
      });
      const cancellations = await bus.subscribe({
        queue: QUEUES.inventoryOrderCancelled,
        bindings: [OrderCancelled],
        prefetch,
        maxBatch,
        batchHandler: (deliveries) => inventory.releaseStock(deliveries.map((delivery) => delivery.event)),
      });
      const receipts = await bus.subscribe({
        queue: QUEUES.inventoryReceiveStock,
        bindings: [ReceiveStock],
        prefetch,
        maxBatch,
        batchHandler: (deliveries) => inventory.receiveStock(deliveries.map((delivery) => delivery.event)),
      });
      subscriptions.push(orders, cancellations, receipts);
    },
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.cancel()));
    },
    health: () => subscriptionsHealth(subscriptions),
  };
}
