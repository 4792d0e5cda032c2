import { applicationHeaders } from '../header-table.ts';
import type { ReceivedMessage } from '../message.ts';
import { historyOf } from './failure-headers.ts';
import type { DeliveryContext } from './subscription.ts';

/** Creates the context of a delivery. Its headers are collected on first access. */
export function createDeliveryContext(message: ReceivedMessage, queue: string, signal: AbortSignal): DeliveryContext {
  return new Context(message, queue, signal);
}

class Context implements DeliveryContext {
  readonly queue: string;
  readonly attempt: number;
  readonly replays: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  readonly signal: AbortSignal;
  readonly #message: ReceivedMessage;
  #headers: Readonly<Record<string, unknown>> | undefined;

  constructor(message: ReceivedMessage, queue: string, signal: AbortSignal) {
    const { failures, replays, exchange, routingKey } = historyOf(message);
    this.queue = queue;
    this.attempt = failures + 1;
    this.replays = replays;
    this.redelivered = message.redelivered;
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.signal = signal;
    this.#message = message;
  }

  get headers(): Readonly<Record<string, unknown>> {
    this.#headers ??= applicationHeaders(this.#message.properties.headers);
    return this.#headers;
  }
}
