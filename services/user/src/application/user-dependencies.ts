import type { EventStore, IdempotencyKeys } from '@warren/event-store';
import type { Clock } from '@warren/kernel';
import type { EmailClaims } from './email-claims.ts';
import type { UserReadModel } from './user-read-model.ts';

/** What the user service needs of the world. */
export interface UserDependencies {
  store: EventStore;
  emails: EmailClaims;
  keys: IdempotencyKeys;
  readModel: UserReadModel;
  clock: Clock;
}
