import type { ComponentHealth } from '@warren/kernel';
import type { Subscription } from './subscription.ts';

/** Up while every queue is consumed. `details`: by queue, whether it is consumed. */
export function subscriptionsHealth(
  subscriptions: readonly Pick<Subscription, 'queue' | 'isConsuming'>[],
): ComponentHealth {
  const states = subscriptions.map((one) => [one.queue, one.isConsuming()] as const);
  const waiting = states.flatMap(([queue, consuming]) => (consuming ? [] : [queue]));
  const details = Object.fromEntries(states);
  return waiting.length === 0
    ? { up: true, details }
    : { up: false, reason: `no consumer on ${waiting.join(', ')}`, details };
}
