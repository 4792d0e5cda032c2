import { type Logger, toAppError } from '@warren/kernel';
import type { Broker, Posting, PostOutcome } from './broker.ts';
import type { BusMetrics } from './bus-metrics.ts';
import type { OutgoingMessage } from './message.ts';

export interface PostOptions {
  /** Nobody waits for it when the bus closes. @default false */
  expendable?: boolean;
}

/**
 * Hands messages to the broker and gives each its one outcome. A message that comes back unroutable is published once more,
 * after the topology has been declared again: somebody may have deleted a queue.
 */
export class Publisher {
  readonly #broker: Broker;
  readonly #metrics: BusMetrics;
  readonly #logger: Logger;

  constructor(broker: Broker, metrics: BusMetrics, logger: Logger) {
    this.#broker = broker;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Publishes and gives the outcome; never rejects. */
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
    if (outcome.status === 'returned' && !post.again && !this.#broker.isRefused(post.message.exchange)) {
      post.again = true;
      void this.#publishAgain(post, outcome.reason);
      return;
    }
    this.#metrics.outcomes[outcome.status].inc();
    post.resolve(outcome);
  }

  async #publishAgain(post: Post, reason: string): Promise<void> {
    const { exchange, routingKey } = post.message;
    this.#logger.warn({ exchange, routingKey, reason }, 'message came back unroutable: declaring the topology again');
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
