import type { RequestOf } from '@warren/contracts';
import { createId } from '@warren/kernel';
import type { Context } from '@warren/service';
import { user } from '../domain/user.ts';
import { type UserView, users } from './user-view.ts';

/**
 * Registers a user and returns it as registered. A repeated Idempotency-Key gets the same answer. A request that fails does not use up its key.
 * @throws `EMAIL_TAKEN`, `IDEMPOTENCY_KEY_REUSED`
 */
export async function registerUser(
  { store }: Context,
  { email, name, key, cause }: RequestOf<{ email: string; name: string }>,
): Promise<UserView> {
  const command = { type: 'RegisterUser', data: { userId: createId(), email, name } } as const;
  const registered = await store.create(user, command, { cause, key, sameAs: [email, name] });
  return users.rowOf([registered]);
}
