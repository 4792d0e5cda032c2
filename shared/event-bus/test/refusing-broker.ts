import { EventEmitter } from 'node:events';
import type { ChannelModel } from 'amqplib';

/** A broker that answers each channel in order and closes one on a refusal, like RabbitMQ. */
export class RefusingBroker {
  /** What it refuses, by request (`exchange shop`) or by name alone; it accepts anything else. */
  refuses: Record<string, { code: number; message: string }> = {};
  /** The requests it received, in order: `exchange shop`, `queue stock`, `bind stock-shop`, `find stock`, `unbind shop`. */
  readonly asked: string[] = [];
  readonly model = { createChannel: async () => this.#channel() } as unknown as ChannelModel;

  #channel() {
    let last = Promise.resolve();
    const ask = (what: string, name: string) => {
      last = last.then(() => this.#answer(what, name));
      return last;
    };
    return Object.assign(new EventEmitter(), {
      assertExchange: (name: string) => ask('exchange', name),
      assertQueue: (name: string) => ask('queue', name),
      checkExchange: (name: string) => ask('find', name),
      checkQueue: (name: string) => ask('find', name),
      bindQueue: (queue: string, exchange: string) => ask('bind', `${queue}-${exchange}`),
      unbindExchange: (exchange: string) => ask('unbind', exchange),
      close: async () => undefined,
    });
  }

  #answer(what: string, name: string): void {
    const asked = `${what} ${name}`;
    this.asked.push(asked);
    const refusal = this.refuses[asked] ?? this.refuses[name];
    if (refusal) throw Object.assign(new Error(refusal.message), refusal);
  }
}
