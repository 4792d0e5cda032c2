import { defineEvent, EmailAddress, ShortText } from '@warren/contracts';
import { Type } from 'typebox';
import { EXCHANGES } from './topology.ts';

/** A user has registered. */
export const UserRegistered = defineEvent({
  type: 'UserRegistered',
  version: 1,
  exchange: EXCHANGES.users,
  routingKey: 'user.registered',
  schema: Type.Object({ userId: ShortText, email: EmailAddress, name: ShortText }),
});

/** A user has another email address, or the same one in a different case. */
export const UserEmailChanged = defineEvent({
  type: 'UserEmailChanged',
  version: 1,
  exchange: EXCHANGES.users,
  routingKey: 'user.email-changed',
  schema: Type.Object({ userId: ShortText, email: EmailAddress, previousEmail: EmailAddress }),
});

/** A user was deactivated for good. Another user may take the email address from now on. */
export const UserDeactivated = defineEvent({
  type: 'UserDeactivated',
  version: 1,
  exchange: EXCHANGES.users,
  routingKey: 'user.deactivated',
  schema: Type.Object({ userId: ShortText }),
});
