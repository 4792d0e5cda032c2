/** Binds a queue to the messages of a topic exchange whose routing key matches (`*` one word, `#` any number). */
export interface Binding {
  exchange: string;
  routingKey: string;
}

export interface QueueSpec {
  queue: string;
  bindings: readonly Binding[];
  /** Only the service that consumes the queue declares it. Other services bind it if it exists and check that it is consumed. @default false */
  optional?: true;
  /** A stream: treated like an optional queue, except that nobody checks that it is consumed. @default false */
  stream?: true;
}
