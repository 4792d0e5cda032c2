import type { StoreTransaction } from './event-store.ts';

/**
 * Claims messages and returns those that this consumer has not handled before, each once, in order (see `StoreTransaction.claim`).
 * @throws `MESSAGE_ID_INVALID` when an id is not a UUID
 */
export async function claimFresh<Message extends { id: string }>(
  tx: Pick<StoreTransaction, 'claim'>,
  consumer: string,
  messages: readonly Message[],
): Promise<Message[]> {
  const messageIds = messages.map((message) => message.id);
  const unhandled = new Set(await tx.claim(consumer, messageIds));
  return messages.filter((message) => unhandled.delete(message.id));
}
