import type { RequestOf } from '@warren/contracts';
import type { Context } from '@warren/service';
import { type UserCommand, user } from '../domain/user.ts';
import { type UserView, users } from './user-view.ts';

/**
 * Changes the email address of a user and returns the current user. The same address again changes nothing.
 * @throws `USER_NOT_FOUND`, `USER_DEACTIVATED`, `EMAIL_TAKEN`, `USER_CONTESTED`, `PRECONDITION_FAILED`
 */
export const changeEmail = (
  context: Context,
  { id: userId, email, ...request }: RequestOf<{ id: string; email: string }>,
): Promise<UserView> => change(context, { type: 'ChangeEmail', data: { userId, email } }, request);

/**
 * Deactivates a user for good and returns it. Deactivating it again changes nothing.
 * @throws `USER_NOT_FOUND`, `USER_CONTESTED`, `PRECONDITION_FAILED`
 */
export const deactivateUser = (
  context: Context,
  { id: userId, ...request }: RequestOf<{ id: string }>,
): Promise<UserView> => change(context, { type: 'DeactivateUser', data: { userId } }, request);

async function change({ store }: Context, command: UserCommand, request: RequestOf): Promise<UserView> {
  const { cause, ifMatch } = request;
  await store.decide(user, command, { cause, ifMatch });
  return store.get(users, command.data.userId);
}
