import type { EventContract } from '@warren/contracts';
import { type CommonBusOptions, IN_MEMORY_URL } from '../bus-options.ts';
import { EventBus } from '../event-bus.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryConnection } from './memory-connection.ts';

export interface InMemoryBusOptions<Contract extends EventContract> extends CommonBusOptions<Contract> {
  /** The shared broker of buses that should exchange messages. @default a new one */
  broker?: MemoryBroker;
}

/** A bus without RabbitMQ, for handler tests: the same class and rules, with messages in this process's memory. */
export function createInMemoryBus<Contract extends EventContract>(
  options: InMemoryBusOptions<Contract>,
): EventBus<Contract> {
  const { broker = new MemoryBroker(), ...common } = options;
  return new EventBus<Contract>({ ...common, url: IN_MEMORY_URL }, (_, topology) => {
    return new MemoryConnection(broker, () => topology.plan());
  });
}
