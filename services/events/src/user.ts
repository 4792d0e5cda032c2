import { defineEvent, EmailAddress, ShortText } from '@warren/contracts';
import { Type } from 'typebox';
import { EXCHANGES } from './topology.ts';

/** Somebody has become a user. */
export const UserRegistered = defineEvent({
  type: 'UserRegistered',
  version: 1,
  exchange: EXCHANGES.users,
  routingKey: 'user.registered',
  schema: Type.Object({ userId: ShortText, email: EmailAddress, name: ShortText }),
});

/** A user has another e-mail address, or the same one spelt otherwise. */
export const UserEmailChanged = defineEvent({
  type: 'UserEmailChanged',
  version: 1,
  exchange: EXCHANGES.users,
  routingKey: 'user.email-changed',
  schema: Type.Object({ userId: ShortText, email: EmailAddress, previousEmail: EmailAddress }),
});

/** A user is one no longer, for good. The e-mail address may be somebody else's from now on. */
export const UserDeactivated = defineEvent({
  type: 'UserDeactivated',
  version: 1,
  exchange: EXCHANGES.users,
  routingKey: 'user.deactivated',
  schema: Type.Object({ userId: ShortText }),
});
