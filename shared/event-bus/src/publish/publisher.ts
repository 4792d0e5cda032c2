import { type Logger, toAppError } from '@warren/kernel';
import type { Broker, BrokerOutcome, PendingMessage } from '../broker.ts';
import type { BusMetrics } from '../bus-metrics.ts';
import type { OutgoingMessage } from '../message.ts';
import type { Refusals } from './refusals.ts';

export interface PublishOptions {
  /** `close` does not wait for the confirm. @default false */
  bestEffort?: boolean;
}

export interface PublisherOptions {
  broker: Broker;
  metrics: BusMetrics;
  refusals: Refusals;
  logger: Logger;
}

/**
 * Publishes messages and returns one outcome for each. If a message is returned as unroutable, declares the topology again, in case a queue
 * was deleted, and republishes the message once.
 */
export class Publisher {
  readonly #broker: Broker;
  readonly #metrics: BusMetrics;
  readonly #refusals: Refusals;
  readonly #logger: Logger;

  constructor({ broker, metrics, refusals, logger }: PublisherOptions) {
    this.#broker = broker;
    this.#metrics = metrics;
    this.#refusals = refusals;
    this.#logger = logger;
  }

  /** Publishes and returns the outcome; never rejects. */
  publish(message: OutgoingMessage, { bestEffort = false }: PublishOptions = {}): Promise<BrokerOutcome> {
    this.#metrics.published.inc();
    return new Promise((resolve) => {
      const tracked = new TrackedMessage(message, this, resolve);
      tracked.bestEffort = bestEffort;
      this.#broker.publish(tracked);
    });
  }

  /** Called by {@link TrackedMessage} with the broker's answer. */
  settled(tracked: TrackedMessage, outcome: BrokerOutcome): void {
    const isRefused = this.#broker.isRefused(tracked.message.exchange);
    // A refused exchange already has a topology alert.
    if (!isRefused) this.#refusals.record(tracked, outcome);
    if (outcome.status === 'returned' && !tracked.again && !isRefused) {
      tracked.again = true;
      void this.#publishAgain(tracked, outcome.reason);
      return;
    }
    this.#metrics.outcomes[outcome.status].inc();
    tracked.resolve(outcome);
  }

  async #publishAgain(tracked: TrackedMessage, reason: string): Promise<void> {
    const { exchange, routingKey } = tracked.message;
    this.#logger.debug({ exchange, routingKey, reason }, 'message came back unroutable: declaring the topology again');
    try {
      await this.#broker.declare();
    } catch (error) {
      this.settled(tracked, { status: 'returned', reason: `${reason}; ${toAppError(error).message}` });
      return;
    }
    this.#broker.publish(tracked);
  }
}

class TrackedMessage implements PendingMessage {
  again = false;
  deadline = 0;
  returned: string | undefined;
  bestEffort = false;
  readonly message: OutgoingMessage;
  readonly resolve: (outcome: BrokerOutcome) => void;
  readonly #publisher: Publisher;

  constructor(message: OutgoingMessage, publisher: Publisher, resolve: (outcome: BrokerOutcome) => void) {
    this.message = message;
    this.resolve = resolve;
    this.#publisher = publisher;
  }

  settle(outcome: BrokerOutcome): void {
    this.#publisher.settled(this, outcome);
  }
}
