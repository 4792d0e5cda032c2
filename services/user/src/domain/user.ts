import type { EventOf, UserDeactivated, UserEmailChanged, UserRegistered } from '@warren/contracts';
import { userErrors } from './user-errors.ts';

/*
 * | state         | RegisterUser             | ChangeEmail                       | DeactivateUser                     |
 * |---------------|--------------------------|-----------------------------------|------------------------------------|
 * | `none`        | → UserRegistered         | fails: USER_NOT_FOUND             | fails: USER_NOT_FOUND              |
 * | `active`      | ignored: exists already  | → UserEmailChanged,               | → UserDeactivated                  |
 * |               |                          | ignored if it is spelt just so    |                                    |
 * | `deactivated` | ignored: exists already  | fails: USER_DEACTIVATED           | ignored: is deactivated already    |
 *
 * That no two active users have the same address is no matter of one user: `EmailClaims` see to it, in the transaction that appends.
 */

/** A user as far as the next step depends on it. */
export type User = { status: 'none' } | { status: 'active'; email: string } | { status: 'deactivated' };

export const initialUser: User = { status: 'none' };

/** What happened to a user, in the log as on the wire. */
export type UserEvent = Happened<typeof UserRegistered | typeof UserEmailChanged | typeof UserDeactivated>;
type Happened<Contract> = Contract extends unknown ? Pick<EventOf<Contract>, 'type' | 'data'> : never;

/** What a user is asked. */
export type UserCommand =
  | { type: 'RegisterUser'; data: { userId: string; email: string; name: string } }
  | { type: 'ChangeEmail'; data: { userId: string; email: string } }
  | { type: 'DeactivateUser'; data: { userId: string } };

/** Nothing follows from a command, for a reason that is part of the design. */
export interface Ignored {
  outcome: 'ignored';
  reason: string;
}

/**
 * What follows from a command in a state: see the table above.
 * @throws `USER_NOT_FOUND`, `USER_DEACTIVATED`
 */
export function decide(user: User, command: UserCommand): readonly UserEvent[] | Ignored {
  switch (command.type) {
    case 'RegisterUser':
      if (user.status !== 'none') return ignored('the user exists already');
      return [{ type: 'UserRegistered', data: command.data }];
    case 'ChangeEmail':
      return changeEmail(user, command.data);
    case 'DeactivateUser':
      return deactivate(user, command.data.userId);
  }
}

export function evolve(user: User, event: UserEvent): User {
  switch (event.type) {
    case 'UserRegistered':
      return { status: 'active', email: event.data.email };
    case 'UserEmailChanged':
      return user.status === 'active' ? { ...user, email: event.data.email } : user;
    case 'UserDeactivated':
      return { status: 'deactivated' };
  }
}

function changeEmail(user: User, { userId, email }: { userId: string; email: string }): readonly UserEvent[] | Ignored {
  switch (user.status) {
    case 'none':
      throw userErrors.USER_NOT_FOUND(`there is no user ${userId}`);
    case 'active':
      if (user.email === email) return ignored('the user has this address already');
      return [{ type: 'UserEmailChanged', data: { userId, email, previousEmail: user.email } }];
    case 'deactivated':
      throw userErrors.USER_DEACTIVATED('it is too late: the user is deactivated', {
        details: { members: { state: user.status } },
      });
  }
}

function deactivate(user: User, userId: string): readonly UserEvent[] | Ignored {
  switch (user.status) {
    case 'none':
      throw userErrors.USER_NOT_FOUND(`there is no user ${userId}`);
    case 'active':
      return [{ type: 'UserDeactivated', data: { userId } }];
    case 'deactivated':
      return ignored('the user is deactivated already');
  }
}

const ignored = (reason: string): Ignored => ({ outcome: 'ignored', reason });
