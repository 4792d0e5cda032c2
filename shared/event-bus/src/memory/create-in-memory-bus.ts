import type { EventContract } from '@warren/contracts';
import { type CommonBusOptions, IN_MEMORY_URL } from '../bus-options.ts';
import { EventBus } from '../event-bus.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryConnection } from './memory-connection.ts';

export interface InMemoryBusOptions<Contract extends EventContract> extends CommonBusOptions<Contract> {
  /** Where the messages go; share it between buses that are to talk. @default one of its own */
  broker?: MemoryBroker;
}

/** A bus without RabbitMQ, for tests of handlers: the same class with the same rules, its messages in this process's memory. */
export function createInMemoryBus<Contract extends EventContract>(
  options: InMemoryBusOptions<Contract>,
): EventBus<Contract> {
  const { broker = new MemoryBroker(), ...common } = options;
  return new EventBus<Contract>({ ...common, url: IN_MEMORY_URL }, (_, topology) => {
    return new MemoryConnection(broker, () => topology.plan());
  });
}
