import { isId } from '@warren/kernel';
import type { ClientBase } from 'pg';
import { storeErrors } from './store-errors.ts';

/** Sorted, so that two batches with the same messages never deadlock. */
export const CLAIM_MESSAGES = `
  INSERT INTO inbox (message_id, consumer)
  SELECT id, $1 FROM unnest($2::uuid[]) AS id ORDER BY id
  ON CONFLICT (message_id, consumer) DO NOTHING RETURNING message_id`;

/**
 * Marks the messages as handled and returns the ids that were not handled before; see `StoreTransaction.claim`.
 * @throws `MESSAGE_ID_INVALID` when an id is not a UUID
 */
export async function claimMessages(
  client: ClientBase,
  consumer: string,
  messageIds: readonly string[],
): Promise<Set<string>> {
  assertIds(messageIds);
  if (messageIds.length === 0) return new Set();
  const query = { name: 'warren/claim', text: CLAIM_MESSAGES, values: [consumer, messageIds] };
  const { rows } = await client.query<{ message_id: string }>(query);
  const claimed = new Set(rows.map((row) => row.message_id));
  return new Set(messageIds.filter((id) => claimed.has(id.toLowerCase())));
}

/** @throws `MESSAGE_ID_INVALID` */
export function assertIds(messageIds: readonly string[]): void {
  const wrong = messageIds.find((id) => !isId(id));
  if (wrong !== undefined) throw storeErrors.MESSAGE_ID_INVALID(`"${wrong}" is not a UUID`);
}
