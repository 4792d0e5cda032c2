import type { AnyAggregate, EventEnvelope } from '@warren/contracts';
import { type Subscription as BusSubscription, type EventBus, subscriptionsHealth } from '@warren/event-bus';
import type { MessageWriter, Reactions, Store } from '@warren/event-store';
import type { Component } from '@warren/kernel';
import type { MessageHandler, Subscription } from './on.ts';

export interface SubscriptionsOptions<Deps> {
  /** Name of the service, for the names of queues. */
  service: string;
  bus: Pick<EventBus, 'subscribe'>;
  store: Pick<Store, 'handle'>;
  subscriptions: readonly Subscription<Deps>[];
  /** Passed to handlers. */
  context: Deps;
  /** Called with messages once they were handled. @default nothing */
  handled?: ((messages: readonly EventEnvelope[]) => void) | undefined;
  /** How many unacknowledged messages of a queue the broker delivers at once. */
  prefetch: number;
  /** Maximum number of messages handled in one transaction. */
  maxBatch: number;
}

export interface Subscriptions extends Component {
  /** The active subscriptions; none before the start. */
  readonly active: readonly BusSubscription[];
}

/** Creates the component that consumes a service's queues. Stopping it finishes the batches in progress and acknowledges them. */
export function createSubscriptions<Deps>(options: SubscriptionsOptions<Deps>): Subscriptions {
  const { service, bus, store, subscriptions, context, handled, prefetch, maxBatch } = options;
  const active: BusSubscription[] = [];
  return {
    name: 'subscriptions',
    active,
    async start() {
      for (const subscription of subscriptions) {
        const queue = queueOf(service, subscription);
        const reactions = reactionsOf(subscription, context);
        const bindings = subscription.contracts as never[];
        active.push(
          await bus.subscribe({
            ...{ queue, bindings, prefetch, maxBatch },
            async batchHandler(deliveries) {
              const messages = deliveries.map(({ event }) => event);
              await store.handle(queue, messages, reactions);
              handled?.(messages);
            },
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

function reactionsOf<Deps>({ handles }: Subscription<Deps>, context: Deps): Reactions {
  const handlers = handles.filter((one): one is MessageHandler<never, Deps> => typeof one === 'function');
  const declared = handles.filter((one) => typeof one !== 'function');
  return {
    aggregates: declared.filter((one): one is AnyAggregate => 'category' in one),
    handlers: handlers.map(
      (handler) => async (message: EventEnvelope) => [await handler(message as never, context)].flat(),
    ),
    writers: declared.filter((one): one is MessageWriter => 'writes' in one),
  };
}

/** Returns the queue of a subscription, e.g. `maps_home_built`. */
export function queueOf(service: string, { queue, contracts }: Pick<Subscription, 'queue' | 'contracts'>): string {
  const [contract] = contracts;
  return queue ?? `${service}${contract?.type.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
