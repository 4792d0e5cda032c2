import { type Logger, toAppError } from '@warren/kernel';
import type { Broker, Posting, PostOutcome } from '../broker.ts';
import type { BusMetrics } from '../bus-metrics.ts';
import type { OutgoingMessage } from '../message.ts';
import type { Refusals } from './refusals.ts';

export interface PostOptions {
  /** Nobody waits for it when the bus closes. @default false */
  expendable?: boolean;
}

export interface PublisherOptions {
  broker: Broker;
  metrics: BusMetrics;
  refusals: Refusals;
  logger: Logger;
}

/**
 * Hands messages to the broker and returns the one outcome of each. A message that comes back unroutable is published once more,
 * after the topology has been declared again: somebody may have deleted a queue.
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
  post(message: OutgoingMessage, { expendable = false }: PostOptions = {}): Promise<PostOutcome> {
    this.#metrics.published.inc();
    return new Promise((resolve) => {
      const post = new Post(message, this, resolve);
      post.expendable = expendable;
      this.#broker.publish(post);
    });
  }

  /** For {@link Post}: takes the broker's answer. */
  settled(post: Post, outcome: PostOutcome): void {
    const isRefused = this.#broker.isRefused(post.message.exchange);
    // A refused exchange is an alert of the topology already.
    if (!isRefused) this.#refusals.note(post, outcome);
    if (outcome.status === 'returned' && !post.again && !isRefused) {
      post.again = true;
      void this.#publishAgain(post, outcome.reason);
      return;
    }
    this.#metrics.outcomes[outcome.status].inc();
    post.resolve(outcome);
  }

  async #publishAgain(post: Post, reason: string): Promise<void> {
    const { exchange, routingKey } = post.message;
    this.#logger.debug({ exchange, routingKey, reason }, 'message came back unroutable: declaring the topology again');
    try {
      await this.#broker.declare();
    } catch (error) {
      this.settled(post, { status: 'returned', reason: `${reason}; ${toAppError(error).message}` });
      return;
    }
    this.#broker.publish(post);
  }
}

class Post implements Posting {
  again = false;
  deadline = 0;
  returned: string | undefined;
  expendable = false;
  readonly message: OutgoingMessage;
  readonly resolve: (outcome: PostOutcome) => void;
  readonly #publisher: Publisher;

  constructor(message: OutgoingMessage, publisher: Publisher, resolve: (outcome: PostOutcome) => void) {
    this.message = message;
    this.resolve = resolve;
    this.#publisher = publisher;
  }

  settle(outcome: PostOutcome): void {
    this.#publisher.settled(this, outcome);
  }
}
