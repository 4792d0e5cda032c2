import type { RequestContext } from '@warren/contracts';
import { fingerprintOf, type KeyUse, keyReused, type StoreTransaction } from '@warren/event-store';
import { createId, kernelErrors } from '@warren/kernel';
import { decideUser } from './decide-user.ts';
import type { UserDependencies } from './user-dependencies.ts';
import { userStream } from './user-streams.ts';
import { type UserView, viewAtRegistration } from './user-view.ts';

/** A valid request for a new user. */
export interface RegisterUser extends RequestContext {
  email: string;
  name: string;
  idempotencyKey?: string;
}

/**
 * Registers a user. A request whose Idempotency-Key was used before registers nobody: its answer is that of the first use. A request that
 * fails leaves its key free.
 * @throws `EMAIL_TAKEN`, `IDEMPOTENCY_KEY_REUSED`
 */
export function createUserRegistration(dependencies: Pick<UserDependencies, 'store' | 'emails' | 'keys' | 'clock'>) {
  const { store, keys } = dependencies;

  async function firstUseOf(tx: StoreTransaction, key: string, use: Omit<KeyUse, 'key'>): Promise<string> {
    const first = (await keys.claim(tx, [{ key, ...use }])).get(key);
    if (first?.fingerprint !== use.fingerprint) throw keyReused(key);
    return first.madeId;
  }

  return ({ email, name, idempotencyKey, ...context }: RegisterUser): Promise<UserView> => {
    const userId = createId();
    const use = { fingerprint: fingerprintOf([email, name]), madeId: userId };
    return store.transaction(async (tx) => {
      const firstId = idempotencyKey === undefined ? userId : await firstUseOf(tx, idempotencyKey, use);
      const command = { type: 'RegisterUser', data: { userId, email, name } } as const;
      if (firstId === userId) await decideUser(tx, { command, ...context }, dependencies);
      return registered(tx, firstId);
    });
  };
}

async function registered(tx: StoreTransaction, userId: string): Promise<UserView> {
  const stream = userStream(userId);
  const view = viewAtRegistration((await tx.load([stream])).get(stream)?.[0]);
  if (view) return view;
  throw kernelErrors.UNEXPECTED(`the stream of user ${userId} does not begin with the registration`);
}
