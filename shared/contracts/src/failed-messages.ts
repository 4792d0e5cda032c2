/*
 * How a message moves: topic exchange → queue → handler. A failed one goes to a fanout exchange `retry.<delay>` under the routing
 * key `<queue>`, waits in the queue of the same name, and comes back through the default exchange; in the end it goes to the
 * direct exchange DEAD_LETTER_EXCHANGE under the key `<queue>` and rests in `<queue>.dlq`.
 */

/** Direct exchange that takes what no retry could help, with the queue's name as routing key. */
export const DEAD_LETTER_EXCHANGE = 'dead-letters';

/** Where the dead letters of a queue rest. */
export function deadLetterQueue(queue: string): string {
  return `${queue}.dlq`;
}

const RETRY = 'retry.';

/** Name of the fanout exchange and of the queue that hold a message back for `delayMs`: `retry.1s`, `retry.250ms`. */
export function retryName(delayMs: number): string {
  return `${RETRY}${delayMs % 1000 === 0 ? `${delayMs / 1000}s` : `${delayMs}ms`}`;
}

/** True for an exchange that takes messages that failed; every other one takes events. */
export function takesFailed(exchange: string): boolean {
  return exchange === DEAD_LETTER_EXCHANGE || exchange.startsWith(RETRY);
}
