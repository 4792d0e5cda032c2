import { busErrors } from '../bus-errors.ts';
import type { OutgoingMessage, ReceivedMessage } from '../message.ts';
import { topicMatches } from '../topology/topic-match.ts';
import type { TopologyPlan } from '../topology/topology-plan.ts';
import { MemoryQueue, type StoredMessage } from './memory-queue.ts';
import { MemoryStream } from './memory-stream.ts';

interface MemoryExchange {
  type: 'topic' | 'direct' | 'fanout';
  bindings: { queue: string; routingKey: string }[];
}

type Routed = Pick<OutgoingMessage, 'exchange' | 'routingKey' | 'body'> & Pick<ReceivedMessage, 'properties'>;

/**
 * An in-process broker for tests: exchanges, queues, delays and dead letters as on RabbitMQ, without persistence. Buses that share one can
 * exchange messages; inspect its queues with {@link messages}.
 */
export class MemoryBroker {
  readonly #exchanges = new Map<string, MemoryExchange>();
  readonly #queues = new Map<string, MemoryQueue | MemoryStream>();

  declare(plan: TopologyPlan): void {
    for (const { name, type } of plan.exchanges) {
      if (!this.#exchanges.has(name)) this.#exchanges.set(name, { type, bindings: [] });
    }
    for (const queue of plan.queues) this.#declareQueue(queue.name, queue.arguments);
    for (const { queue, exchange, routingKey } of plan.bindings) this.#bind(queue, exchange, routingKey);
  }

  /** Adds a message to every matching queue. Returns their number. */
  publish({ exchange, routingKey, body, properties }: Routed): number {
    const queues = this.#route(exchange, routingKey);
    for (const queue of queues) queue.push({ exchange, routingKey, body, properties, returns: 0 });
    return queues.length;
  }

  /** The ready messages of a queue, oldest first; empty when the queue does not exist. */
  messages(queue: string): readonly Omit<ReceivedMessage, 'redelivered'>[] {
    return [...(this.#queues.get(queue)?.messages ?? [])];
  }

  /** @throws `TOPOLOGY_REFUSED` when the queue does not exist. */
  queue(name: string): MemoryQueue {
    const queue = this.#queues.get(name);
    if (queue instanceof MemoryQueue) return queue;
    throw busErrors.TOPOLOGY_REFUSED(`there is no queue ${name}`);
  }

  /** @throws `TOPOLOGY_REFUSED` when the stream does not exist. */
  stream(name: string): MemoryStream {
    const stream = this.#queues.get(name);
    if (stream instanceof MemoryStream) return stream;
    throw busErrors.TOPOLOGY_REFUSED(`there is no stream ${name}`);
  }

  /** Deletes a queue with its messages and bindings, as an operator might. */
  deleteQueue(name: string): void {
    this.#queues.get(name)?.close();
    this.#queues.delete(name);
    for (const exchange of this.#exchanges.values()) {
      exchange.bindings = exchange.bindings.filter((binding) => binding.queue !== name);
    }
  }

  /** Discards everything and stops all timers. */
  close(): void {
    for (const queue of this.#queues.values()) queue.close();
    this.#queues.clear();
    this.#exchanges.clear();
  }

  #declareQueue(name: string, args: Readonly<Record<string, string | number>>): void {
    if (this.#queues.has(name)) return;
    if (args['x-queue-type'] === 'stream') return void this.#queues.set(name, new MemoryStream());
    const deadLetter = (message: StoredMessage, reason: string) => this.#deadLetter(name, args, message, reason);
    this.#queues.set(name, new MemoryQueue({ arguments: args, deadLetter }));
  }

  #bind(queue: string, exchange: string, routingKey: string): void {
    const { bindings } = this.#exchange(exchange);
    if (bindings.some((binding) => binding.queue === queue && binding.routingKey === routingKey)) return;
    bindings.push({ queue, routingKey });
  }

  #exchange(name: string): MemoryExchange {
    const exchange = this.#exchanges.get(name);
    if (!exchange) throw busErrors.TOPOLOGY_REFUSED(`there is no exchange ${name}`);
    return exchange;
  }

  #route(exchangeName: string, routingKey: string): (MemoryQueue | MemoryStream)[] {
    if (exchangeName === '') return [this.#queues.get(routingKey)].filter((queue) => queue !== undefined);
    const { type, bindings } = this.#exchange(exchangeName);
    const wanted = bindings.filter((binding) => matches(type, binding.routingKey, routingKey));
    const names = new Set(wanted.map((binding) => binding.queue));
    return [...names].map((name) => this.#queues.get(name)).filter((queue) => queue !== undefined);
  }

  #deadLetter(
    queue: string,
    args: Readonly<Record<string, string | number>>,
    message: StoredMessage,
    reason: string,
  ): void {
    const exchange = args['x-dead-letter-exchange'];
    if (typeof exchange !== 'string') return;
    const routingKey = String(args['x-dead-letter-routing-key'] ?? message.routingKey);
    const headers = { ...message.properties.headers, 'x-first-death-queue': queue, 'x-first-death-reason': reason };
    this.publish({ ...message, exchange, routingKey, properties: { ...message.properties, headers } });
  }
}

function matches(type: MemoryExchange['type'], pattern: string, routingKey: string): boolean {
  if (type === 'fanout') return true;
  return type === 'direct' ? pattern === routingKey : topicMatches(pattern, routingKey);
}
