/** A running system that takes orders by `POST /orders` and tells `orders` / `order.updated` when one has ended. */
export interface OrderSystem {
  /** For the report. */
  name: string;
  /** Where its order service answers. */
  url: string;
  amqpUrl: string;
  /** Its services' process ids, by name. */
  processes: Readonly<Record<string, number>>;
  /** Orders that are neither confirmed nor cancelled yet. */
  pending(): Promise<number>;
  /** Safe to call twice. */
  close(): Promise<void>;
}
