import type { Binding, QueueSpec } from '@warren/contracts';
import { CORE_QUEUES, PAYMENT_QUEUES, SHOP_QUEUES } from '../../program/shop-queues.ts';

/** The queues that the publishers of their messages know: what none of them takes comes back to the publisher. */
export const SHARED_QUEUES: readonly QueueSpec[] = [...CORE_QUEUES, ...PAYMENT_QUEUES];

/** The queues that get what is published so. */
export function queuesThatTake({ exchange, routingKey }: Binding): string[] {
  const takes = ({ bindings }: QueueSpec) =>
    bindings.some((one) => one.exchange === exchange && one.routingKey === routingKey);
  return SHOP_QUEUES.filter(takes).map(({ queue }) => queue);
}

/** Name of the service that consumes a queue. */
export function consumerOf(queue: string): string {
  return queue.split('_', 1)[0] ?? '';
}
