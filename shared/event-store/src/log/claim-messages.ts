import { isId } from '@warren/kernel';
import type { ClientBase } from 'pg';
import type { StoreTransaction } from './event-store.ts';
import { storeErrors } from './store-errors.ts';

/** Sorted, so that two batches with the same messages wait for each other in one direction only. */
export const CLAIM_MESSAGES = `
  INSERT INTO inbox (message_id, consumer)
  SELECT id, $1 FROM unnest($2::uuid[]) AS id ORDER BY id
  ON CONFLICT (message_id, consumer) DO NOTHING RETURNING message_id`;

/**
 * Notes the messages as handled and gives those that had not been; see `StoreTransaction.claim`.
 * @throws `MESSAGE_ID_INVALID` when an id is not a UUID.
 */
export async function claimMessages(
  client: ClientBase,
  consumer: string,
  messageIds: readonly string[],
): Promise<Set<string>> {
  const wrong = messageIds.find((id) => !isId(id));
  if (wrong !== undefined) throw storeErrors.MESSAGE_ID_INVALID(`"${wrong}" is not a UUID`);
  if (messageIds.length === 0) return new Set();
  const query = { name: 'warren/claim', text: CLAIM_MESSAGES, values: [consumer, messageIds] };
  const { rows } = await client.query<{ message_id: string }>(query);
  const claimed = new Set(rows.map((row) => row.message_id));
  return new Set(messageIds.filter((id) => claimed.has(id.toLowerCase())));
}

/**
 * The messages that this consumer has not handled before, each once, in their order; from now on they count as handled
 * (see `StoreTransaction.claim`).
 * @throws `MESSAGE_ID_INVALID` when an id is not a UUID.
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
