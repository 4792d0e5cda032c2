/*
 * Path of a message: topic exchange → queue → handler. A failed message goes to a fanout exchange `retry.<delay>` with the routing key
 * `<queue>`, waits in the queue `retry.<delay>` and returns through the default exchange. After its last retry it goes to the direct
 * exchange DEAD_LETTER_EXCHANGE with the routing key `<queue>` and stays in `<queue>.dlq`.
 */

/** Direct exchange for messages that are not retried any more; the routing key is the queue's name. */
export const DEAD_LETTER_EXCHANGE = 'dead-letters';

/** Returns the name of the queue that holds a queue's dead letters. */
export function deadLetterQueue(queue: string): string {
  return `${queue}.dlq`;
}

const RETRY = 'retry.';

/** Returns the name of the fanout exchange and queue that delay a message by `delayMs`: `retry.1s`, `retry.250ms`. */
export function retryName(delayMs: number): string {
  return `${RETRY}${delayMs % 1000 === 0 ? `${delayMs / 1000}s` : `${delayMs}ms`}`;
}

/** True for an exchange for failed messages; every other exchange is for events. */
export function takesFailed(exchange: string): boolean {
  return exchange === DEAD_LETTER_EXCHANGE || exchange.startsWith(RETRY);
}
