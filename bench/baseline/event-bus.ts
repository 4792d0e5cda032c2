import { randomUUID } from 'node:crypto';
import { type ConfirmChannel, connect } from 'amqplib';

export interface BaselineEvent {
  id: string;
  timestamp: string;
  type: string;
  data: { [field: string]: unknown };
}

/**
 * The bus as the article has it, made to run: each publish declares its exchange, and waits for the confirm of the one before it. It has no
 * validation, no prefetch and no retry.
 */
export class BaselineBus {
  readonly #channel: ConfirmChannel;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(channel: ConfirmChannel) {
    this.#channel = channel;
  }

  static async connect(url: string): Promise<BaselineBus> {
    const connection = await connect(url, { noDelay: true });
    return new BaselineBus(await connection.createConfirmChannel());
  }

  publishEvent(exchange: string, routingKey: string, event: Pick<BaselineEvent, 'type' | 'data'>): Promise<void> {
    const published = this.#last.then(() => this.#publish(exchange, routingKey, event));
    this.#last = published.catch(() => undefined);
    return published;
  }

  async #publish(exchange: string, routingKey: string, event: Pick<BaselineEvent, 'type' | 'data'>): Promise<void> {
    const payload: BaselineEvent = { id: randomUUID(), timestamp: new Date().toISOString(), ...event };
    await this.#channel.assertExchange(exchange, 'topic', { durable: true });
    const body = Buffer.from(JSON.stringify(payload));
    await new Promise<void>((resolve, reject) => {
      this.#channel.publish(exchange, routingKey, body, { persistent: true }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  async subscribeToEvent(
    exchange: string,
    queue: string,
    routingKey: string,
    handler: (event: BaselineEvent) => Promise<void>,
  ): Promise<void> {
    await this.#channel.assertExchange(exchange, 'topic', { durable: true });
    await this.#channel.assertQueue(queue, { durable: true });
    await this.#channel.bindQueue(queue, exchange, routingKey);
    await this.#channel.consume(queue, async (message) => {
      if (!message) return;
      try {
        await handler(JSON.parse(message.content.toString()));
        this.#channel.ack(message);
      } catch (error) {
        console.error('Event processing failed:', error);
        this.#channel.nack(message, false, false);
      }
    });
  }
}
