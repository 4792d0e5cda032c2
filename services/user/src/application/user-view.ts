import { DateTime, EmailAddress, ShortText, Uuid } from '@warren/contracts';
import { defineReadModel } from '@warren/event-store';
import { type Static, Type } from 'typebox';
import { notFound, user } from '../domain/user.ts';

/** A user as the API shows it. `version` is the number of its events. */
export const UserView = Type.Object({
  id: Uuid,
  email: EmailAddress,
  name: ShortText,
  status: Type.Enum(['active', 'deactivated']),
  version: Type.Integer(),
  createdAt: DateTime,
  updatedAt: DateTime,
});
export type UserView = Static<typeof UserView>;

/** The table `users`. */
export const users = defineReadModel(user, {
  name: 'users',
  row: UserView,
  createdBy: 'UserRegistered',
  missing: notFound,
}).sets({
  UserRegistered: ({ data: { email, name } }) => ({ email, name, status: 'active' }),
  UserEmailChanged: ({ data: { email } }) => ({ email }),
  UserDeactivated: () => ({ status: 'deactivated' }),
});
