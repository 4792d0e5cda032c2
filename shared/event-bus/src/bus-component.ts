import type { EventContract } from '@warren/contracts';
import type { Component } from '@warren/kernel';
import type { EventBus } from './event-bus.ts';

/** The bus as a component of a service. It starts even while the broker is away, and reports readiness; stopping drains it. */
export function createBusComponent<Contract extends EventContract>(bus: EventBus<Contract>, name = 'bus'): Component {
  return {
    name,
    start: () => bus.connect({ wait: false }),
    stop: () => bus.close(),
    health: () => bus.health(),
  };
}
