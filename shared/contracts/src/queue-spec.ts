/** What a queue receives: the messages of a topic exchange whose routing key matches (`*` one word, `#` any number). */
export interface Binding {
  exchange: string;
  routingKey: string;
}

export interface QueueSpec {
  queue: string;
  bindings: readonly Binding[];
  /** Only the service that reads it declares it; the others bind it where it exists, and watch whether it is emptied. @default false */
  optional?: true;
  /** A stream: treated as an optional queue, except that nobody watches whether it is emptied. @default false */
  stream?: true;
}
