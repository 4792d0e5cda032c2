import { NOTIFICATION_QUEUES, PAYMENT_QUEUES, SYSTEM_QUEUES } from '@shop/events/topology';
import type { Binding, QueueSpec } from '@warren/contracts';

/** The queues that the publishers of their messages know: what none of them takes comes back to the publisher. */
export const SHARED_QUEUES: readonly QueueSpec[] = [...SYSTEM_QUEUES, ...PAYMENT_QUEUES];

/** Every queue of the system. */
export const ALL_QUEUES: readonly QueueSpec[] = [...SHARED_QUEUES, ...NOTIFICATION_QUEUES];

/** The queues that get what is published so. */
export function queuesThatTake({ exchange, routingKey }: Binding): string[] {
  const takes = ({ bindings }: QueueSpec) =>
    bindings.some((one) => one.exchange === exchange && one.routingKey === routingKey);
  return ALL_QUEUES.filter(takes).map(({ queue }) => queue);
}

/** Name of the service that consumes a queue. */
export function consumerOf(queue: string): string {
  return queue.split('_', 1)[0] ?? '';
}
