import { OrderCreated, OrderShipped, OrderStatusUpdated } from '@shop/events/order';
import { QUEUES } from '@shop/events/topology';
import { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import { type EventBus, type Subscription, subscriptionsHealth } from '@warren/event-bus';
import type { Component } from '@warren/kernel';
import type { Notifications } from '../../application/notifications.ts';

export interface SubscriptionsOptions {
  bus: Pick<EventBus, 'subscribe'>;
  notifications: Pick<Notifications, 'noteUsers' | 'noteOrders'>;
  /** How many messages of a queue the broker hands over unacknowledged. */
  prefetch: number;
  /** The most messages that are handled in one transaction. */
  maxBatch: number;
}

/** What the service listens to, as a component: stopping it finishes the batches in hand and acknowledges them. */
export function createSubscriptions({ bus, notifications, prefetch, maxBatch }: SubscriptionsOptions): Component {
  const subscriptions: Subscription[] = [];
  return {
    name: 'subscriptions',
    async start() {
      const users = await bus.subscribe({
        queue: QUEUES.notificationUsers,
        bindings: [UserRegistered, UserEmailChanged, UserDeactivated],
        prefetch,
        maxBatch,
        batchHandler: (deliveries) => notifications.noteUsers(deliveries.map(({ event }) => event)),
      });
      const orders = await bus.subscribe({
        queue: QUEUES.notificationOrders,
        bindings: [OrderCreated, OrderStatusUpdated, OrderShipped],
        prefetch,
        maxBatch,
        batchHandler: (deliveries) => notifications.noteOrders(deliveries.map(({ event }) => event)),
      });
      subscriptions.push(users, orders);
    },
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.cancel()));
    },
    health: () => subscriptionsHealth(subscriptions),
  };
}
