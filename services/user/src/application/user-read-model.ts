import type { UserView } from './user-view.ts';

/** The users as they are now, for queries. As new as the log: written in the same transaction. */
export interface UserReadModel {
  find(userId: string): Promise<UserView | undefined>;
}
