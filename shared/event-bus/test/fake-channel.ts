import type { ConsumeMessage } from 'amqplib';

/** A channel that answers in order, once allowed to. */
export class FakeChannel {
  readonly said: string[] = [];
  readonly consumers = new Map<string, (message: ConsumeMessage | null) => void>();
  failing: Error | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #tag = 0;

  prefetch = (count: number) => this.#ask(`prefetch ${count}`);
  cancel = (tag: string) => this.#ask(`cancel ${tag}`, () => this.consumers.delete(tag));
  ack = ({ fields }: ConsumeMessage, upTo = false) =>
    void this.said.push(`ack ${upTo ? '≤' : ''}${fields.deliveryTag}`);
  consume = (_: string, onMessage: (message: ConsumeMessage | null) => void, options: { consumerTag: string }) =>
    this.#ask(`consume ${options.consumerTag}`, () => this.consumers.set(options.consumerTag, onMessage));

  /** Holds back all further answers until the returned function is called. */
  holdAnswers(): () => void {
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    this.#last = this.#last.then(() => held);
    return answer;
  }

  /** Delivers a message to a consumer as the broker does; `returns` is how often it came back. */
  deliver(consumerTag: string, messageId: string, returns = 0, header = 'x-delivery-count'): void {
    this.#tag += 1;
    const headers = returns === 0 ? {} : { [header]: returns };
    const fields = { deliveryTag: this.#tag, redelivered: returns > 0, exchange: '', routingKey: '' };
    const message = { content: Buffer.alloc(0), fields, properties: { messageId, headers } };
    this.consumers.get(consumerTag)?.(message as unknown as ConsumeMessage);
  }

  #ask(what: string, answer: () => void = () => undefined): Promise<unknown> {
    this.#last = this.#last.then(() => {
      if (this.failing) throw this.failing;
      this.said.push(what);
      answer();
    });
    return this.#last;
  }
}
