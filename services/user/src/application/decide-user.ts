import { causeOfRequest, type RequestContext } from '@warren/contracts';
import { decideStreams, type StoreTransaction } from '@warren/event-store';
import { decide, evolve, type UserCommand, type UserEvent } from '../domain/user.ts';
import { userErrors } from '../domain/user-errors.ts';
import type { EmailClaims } from './email-claims.ts';
import type { UserDependencies } from './user-dependencies.ts';
import { replay, toNewEvent, userStream } from './user-streams.ts';

/** Something that a user is asked, and in which request. */
export interface UserRequest extends RequestContext {
  command: UserCommand;
  /** The only versions of the user that may be changed. @default any */
  ifMatch?: readonly number[];
}

/**
 * Decides a request inside a transaction, appends what follows and settles whose the e-mail addresses are. Nothing of it may be kept when
 * it throws.
 * @throws what `decide` throws; `EMAIL_TAKEN`, `USER_CONTESTED`, `PRECONDITION_FAILED`
 */
export async function decideUser(
  tx: StoreTransaction,
  request: UserRequest,
  { emails, clock }: Pick<UserDependencies, 'emails' | 'clock'>,
): Promise<void> {
  const cause = causeOfRequest(request);
  const decided = await decideStreams(tx, [request], {
    streamOf: ({ command }) => userStream(command.data.userId),
    versionsOf: ({ ifMatch }) => ifMatch,
    replay,
    decide: (user, { command }) => decide(user, command),
    evolve,
    toNewEvent: (event) => toNewEvent(event, { cause, now: clock.now() }),
    contested: () => userErrors.USER_CONTESTED('the user was changed by others again and again'),
  });
  // After the append, which makes simultaneous requests of the same user wait for each other: so all take their locks in one order.
  for (const { decision } of decided) {
    if (!('outcome' in decision)) for (const event of decision) await settleEmail(tx, emails, event);
  }
}

async function settleEmail(tx: StoreTransaction, emails: EmailClaims, { type, data }: UserEvent): Promise<void> {
  if (type === 'UserDeactivated') return emails.release(tx, data.userId);
  if (await emails.claim(tx, data.email, data.userId)) return;
  throw userErrors.EMAIL_TAKEN(`another user has the e-mail address ${data.email}`);
}
