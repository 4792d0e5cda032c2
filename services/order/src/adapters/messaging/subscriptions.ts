import { InventoryReserved, InventoryUnavailable } from '@shop/events/inventory';
import { PaymentFailed, PaymentProcessed, PaymentRefunded } from '@shop/events/payment';
import { QUEUES } from '@shop/events/topology';
import { type EventBus, type Subscription, subscriptionsHealth } from '@warren/event-bus';
import type { Component } from '@warren/kernel';
import type { AnswerQueues } from '../../application/answer-consumers.ts';
import type { Orders } from '../../application/orders.ts';
import { createAnswerQueues } from './answer-queues.ts';

export interface SubscriptionsOptions {
  bus: Pick<EventBus, 'subscribe'>;
  orders: Pick<Orders, 'applyAnswers'>;
  /** Whether payments are taken, and so answered. */
  payments: boolean;
  /** How many messages of a queue the broker hands over unacknowledged. */
  prefetch: number;
  /** The most messages that are handled in one transaction. */
  maxBatch: number;
}

type Answer =
  | typeof InventoryReserved
  | typeof InventoryUnavailable
  | typeof PaymentProcessed
  | typeof PaymentFailed
  | typeof PaymentRefunded;

export interface Subscriptions extends Component {
  /** Their state, as far as pending orders wait for them. */
  readonly answers: AnswerQueues;
}

/** What the service listens to, as a component: stopping it finishes the batches in hand and acknowledges them. */
export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { bus, orders, payments, prefetch, maxBatch } = options;
  const subscriptions: Subscription[] = [];

  async function subscribe(queue: string, bindings: readonly Answer[]) {
    const subscription = await bus.subscribe({
      queue,
      bindings,
      prefetch,
      maxBatch,
      batchHandler: (deliveries) =>
        orders.applyAnswers(
          queue,
          deliveries.map((delivery) => delivery.event),
        ),
    });
    subscriptions.push(subscription);
  }

  return {
    name: 'subscriptions',
    answers: createAnswerQueues(() => subscriptions),
    async start() {
      await subscribe(QUEUES.orderInventoryReserved, [InventoryReserved]);
      await subscribe(QUEUES.orderInventoryUnavailable, [InventoryUnavailable]);
      if (payments) await subscribe(QUEUES.orderPayments, [PaymentProcessed, PaymentFailed, PaymentRefunded]);
    },
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.cancel()));
    },
    health: () => subscriptionsHealth(subscriptions),
  };
}
