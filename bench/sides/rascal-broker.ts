import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { busBench, exchange, PREFETCH, routingKey } from './bus-bench.ts';

/** What the bench uses of rascal, which comes without types. */
export interface RascalBroker {
  publish(publication: string, content: object, overrides: { options: object }): Promise<EventEmitter>;
  subscribe(subscription: string): Promise<RascalSubscription>;
}

export interface RascalSubscription extends EventEmitter {
  on(event: 'message', listener: (message: object, content: unknown, ackOrNack: () => void) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  cancel(): Promise<void>;
}

interface Rascal {
  createBrokerAsPromised(config: object): Promise<RascalBroker>;
  withDefaultConfig(config: object): object;
}

/** Each of its channels sends one message at a time, and its default is 5. */
const CHANNELS = 50;

/** A broker of rascal with the publication `events` and the subscription `events`. */
export function createRascalBroker(): Promise<RascalBroker> {
  const { url, queue } = busBench();
  const rascal: Rascal = createRequire(import.meta.url)('rascal');
  const vhost = {
    connection: { url, socketOptions: { noDelay: true } },
    exchanges: { [exchange]: { assert: false } },
    queues: { [queue]: { assert: false } },
    publicationChannelPools: { confirmPool: { max: CHANNELS, min: CHANNELS } },
    publications: { events: { exchange, routingKey, confirm: true } },
    subscriptions: { events: { queue, prefetch: PREFETCH } },
  };
  return rascal.createBrokerAsPromised(rascal.withDefaultConfig({ vhosts: { '/': vhost } }));
}
