import type { AnyAggregate } from '@warren/contracts';
import { type Subscription as BusSubscription, type EventBus, subscriptionsHealth } from '@warren/event-bus';
import type { MessageWriter, Store } from '@warren/event-store';
import type { Component } from '@warren/kernel';
import type { Subscription } from './on.ts';

export interface SubscriptionsOptions {
  /** Name of the service, for the names of queues. */
  service: string;
  bus: Pick<EventBus, 'subscribe'>;
  store: Pick<Store, 'handle'>;
  subscriptions: readonly Subscription[];
  /** How many messages of a queue the broker hands over unacknowledged. */
  prefetch: number;
  /** The most messages that are handled in one transaction. */
  maxBatch: number;
}

/** What a service listens to, as a component. Stopping it finishes the batches in hand and acknowledges them. */
export function createSubscriptions(options: SubscriptionsOptions): Component {
  const { service, bus, store, subscriptions, prefetch, maxBatch } = options;
  const active: BusSubscription[] = [];
  return {
    name: 'subscriptions',
    async start() {
      for (const subscription of subscriptions) {
        const queue = queueOf(service, subscription);
        const reactions = {
          aggregates: subscription.handles.filter((one): one is AnyAggregate => 'category' in one),
          writers: subscription.handles.filter((one): one is MessageWriter => 'writes' in one),
        };
        const bindings = subscription.contracts as never[];
        active.push(
          await bus.subscribe({
            ...{ queue, bindings, prefetch, maxBatch },
            batchHandler: (deliveries) =>
              store.handle(
                queue,
                deliveries.map(({ event }) => event),
                reactions,
              ),
          }),
        );
      }
    },
    async stop() {
      await Promise.all(active.map((subscription) => subscription.cancel()));
    },
    health: () => subscriptionsHealth(active),
  };
}

/** The queue of a subscription, e.g. `maps_home_built`. */
export function queueOf(service: string, { queue, contracts }: Subscription): string {
  const [contract] = contracts;
  return queue ?? `${service}${contract?.type.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
