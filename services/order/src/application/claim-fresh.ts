import type { StoreTransaction } from '@warren/event-store';

/** The messages that this consumer has not handled before, each once, in their order; from now on they count as handled. */
export async function claimFresh<Message extends { id: string }>(
  tx: Pick<StoreTransaction, 'claim'>,
  consumer: string,
  messages: readonly Message[],
): Promise<Message[]> {
  const unhandled = new Set(
    await tx.claim(
      consumer,
      messages.map((message) => message.id),
    ),
  );
  return messages.filter((message) => unhandled.delete(message.id));
}
