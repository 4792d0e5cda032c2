import type { RequestContext } from '@warren/contracts';
import type { RecordedEvent } from '@warren/event-store';
import type { UserCommand } from '../domain/user.ts';
import { userErrors } from '../domain/user-errors.ts';
import { decideUser, type UserRequest } from './decide-user.ts';
import { createUserRegistration, type RegisterUser } from './register-user.ts';
import type { UserDependencies } from './user-dependencies.ts';
import { userStream } from './user-streams.ts';
import type { UserView } from './user-view.ts';

export interface ChangeEmail extends RequestContext {
  userId: string;
  email: string;
  /** The only versions of the user that may be changed. @default any */
  ifMatch?: readonly number[];
}

export type DeactivateUser = Omit<ChangeEmail, 'email'>;

/** Everything that the user service can do. */
export interface Users {
  /** @throws `EMAIL_TAKEN`, `IDEMPOTENCY_KEY_REUSED` */
  registerUser(request: RegisterUser): Promise<UserView>;
  /** Returns the user as it is then. The same address again changes nothing. @throws `USER_NOT_FOUND`, `USER_DEACTIVATED`, `EMAIL_TAKEN`, `USER_CONTESTED`, `PRECONDITION_FAILED` */
  changeEmail(request: ChangeEmail): Promise<UserView>;
  /** Returns the user as it is then. Once more changes nothing. @throws `USER_NOT_FOUND`, `USER_CONTESTED`, `PRECONDITION_FAILED` */
  deactivateUser(request: DeactivateUser): Promise<UserView>;
  /** @throws `USER_NOT_FOUND` */
  getUser(userId: string): Promise<UserView>;
  /** All events of a user, oldest first. @throws `USER_NOT_FOUND` */
  getHistory(userId: string): Promise<RecordedEvent[]>;
}

export function createUsers(dependencies: UserDependencies): Users {
  const { store, readModel } = dependencies;

  async function getUser(userId: string): Promise<UserView> {
    return (await readModel.find(userId)) ?? notFound(userId);
  }

  async function change(command: UserCommand, context: Omit<UserRequest, 'command'>): Promise<UserView> {
    await store.transaction((tx) => decideUser(tx, { command, ...context }, dependencies));
    return getUser(command.data.userId);
  }

  return {
    registerUser: createUserRegistration(dependencies),
    changeEmail: ({ userId, email, ...context }) => change({ type: 'ChangeEmail', data: { userId, email } }, context),
    deactivateUser: ({ userId, ...context }) => change({ type: 'DeactivateUser', data: { userId } }, context),
    getUser,
    async getHistory(userId) {
      const stream = userStream(userId);
      const events = (await store.load([stream])).get(stream) ?? [];
      return events.length > 0 ? events : notFound(userId);
    },
  };
}

function notFound(userId: string): never {
  throw userErrors.USER_NOT_FOUND(`there is no user ${userId}`);
}
