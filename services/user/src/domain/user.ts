import { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import { type Decision, defineAggregate, type EventIn, ignored } from '@warren/contracts';
import { emailKeyOf } from './email-key.ts';
import { userErrors } from './user-errors.ts';

/*
 * | state         | RegisterUser             | ChangeEmail                       | DeactivateUser                     |
 * |---------------|--------------------------|-----------------------------------|------------------------------------|
 * | `none`        | → UserRegistered         | fails: USER_NOT_FOUND             | fails: USER_NOT_FOUND              |
 * | `active`      | ignored: already exists  | → UserEmailChanged,               | → UserDeactivated                  |
 * |               |                          | ignored if the same, case and all |                                    |
 * | `deactivated` | ignored: already exists  | fails: USER_DEACTIVATED           | ignored: already deactivated       |
 *
 * Both commands with an address fail with EMAIL_TAKEN while another active user holds it.
 */

/** The state of a user that the next decision depends on. */
export type User = { status: 'none' } | { status: 'active'; email: string } | { status: 'deactivated' };

const events = { UserRegistered, UserEmailChanged, UserDeactivated };

/** An event of a user, the same in the log and on the wire. */
export type UserEvent = EventIn<typeof events>;

/** A command to a user. */
export type UserCommand =
  | { type: 'RegisterUser'; data: { userId: string; email: string; name: string } }
  | { type: 'ChangeEmail'; data: { userId: string; email: string } }
  | { type: 'DeactivateUser'; data: { userId: string } };

/** The ids of the users who hold email addresses, by `emailKeyOf`. */
type EmailHolders = ReadonlyMap<string, string>;

/** Decides a command: see the table above. */
function decide(user: User, command: UserCommand, holders: EmailHolders): Decision<UserEvent> {
  switch (command.type) {
    case 'RegisterUser':
      if (user.status !== 'none') return ignored('the user already exists');
      requireFree(command.data, holders);
      return [{ type: 'UserRegistered', data: command.data }];
    case 'ChangeEmail':
      return changeEmail(user, command.data, holders);
    case 'DeactivateUser':
      return deactivate(user, command.data.userId);
  }
}

function evolve(user: User, event: UserEvent): User {
  switch (event.type) {
    case 'UserRegistered':
      return { status: 'active', email: event.data.email };
    case 'UserEmailChanged':
      return user.status === 'active' ? { ...user, email: event.data.email } : user;
    case 'UserDeactivated':
      return { status: 'deactivated' };
  }
}

function changeEmail(
  user: User,
  { userId, email }: { userId: string; email: string },
  holders: EmailHolders,
): Decision<UserEvent> {
  switch (user.status) {
    case 'none':
      throw notFound(userId);
    case 'active':
      if (user.email === email) return ignored('the user already has this address');
      requireFree({ userId, email }, holders);
      return [{ type: 'UserEmailChanged', data: { userId, email, previousEmail: user.email } }];
    case 'deactivated':
      throw userErrors.USER_DEACTIVATED('too late: the user is deactivated', {
        details: { members: { state: user.status } },
      });
  }
}

function deactivate(user: User, userId: string): Decision<UserEvent> {
  switch (user.status) {
    case 'none':
      throw notFound(userId);
    case 'active':
      return [{ type: 'UserDeactivated', data: { userId } }];
    case 'deactivated':
      return ignored('the user is already deactivated');
  }
}

function requireFree({ userId, email }: { userId: string; email: string }, holders: EmailHolders): void {
  const holder = holders.get(emailKeyOf(email));
  if (holder === undefined || holder === userId) return;
  throw userErrors.EMAIL_TAKEN(`another user has the email address ${email}`);
}

/** An active user holds one address; nobody else does. */
const emailHolders = {
  keysOf: ({ data }: UserCommand, user: User) =>
    [...('email' in data ? [data.email] : []), ...(user.status === 'active' ? [user.email] : [])].map(emailKeyOf),
  changes: ({ type, data }: UserEvent, user: User) => [
    ...(user.status === 'active' ? [[emailKeyOf(user.email), undefined] as const] : []),
    ...(type === 'UserDeactivated' ? [] : [[emailKeyOf(data.email), data.userId] as const]),
  ],
};

export const notFound = (userId: string) => userErrors.USER_NOT_FOUND(`there is no user ${userId}`);

export const user = defineAggregate({
  category: 'user',
  events,
  ends: ['UserDeactivated'],
  initial: { status: 'none' },
  idOf: ({ data }: UserCommand) => data.userId,
  decide,
  evolve,
  shared: emailHolders,
  contested: () => userErrors.USER_CONTESTED('the user was changed concurrently on every attempt'),
});
