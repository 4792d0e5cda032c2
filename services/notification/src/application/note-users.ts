import { QUEUES } from '@shop/events/topology';
import type { UserDeactivated, UserEmailChanged, UserRegistered } from '@shop/events/user';
import type { EventOf } from '@warren/contracts';
import { claimFresh } from '@warren/event-store';
import type { UserNote } from './books.ts';
import { causedBy } from './mail-streams.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';
import { requestMails } from './request-mails.ts';

/** What the service hears of users. */
export type UserNews = EventOf<typeof UserRegistered | typeof UserEmailChanged | typeof UserDeactivated>;

/** Takes in a batch of events of users in one transaction: who they are, and that the new ones are to be welcomed. */
export function createNoteUsers(dependencies: NotificationDependencies) {
  const { store, users, mails } = dependencies;
  return async (messages: readonly UserNews[]): Promise<void> => {
    const requested = await store.transaction(async (tx) => {
      const fresh = await claimFresh(tx, QUEUES.notificationUsers, messages);
      await users.note(tx, fresh.map(noteOf));
      const registered = fresh.filter(({ type }) => type === 'UserRegistered');
      const requests = registered.map((message) =>
        causedBy(message, {
          subject: { kind: 'welcome', subjectId: message.data.userId },
          command: { type: 'RequestMail' },
        }),
      );
      return requestMails(tx, requests, dependencies);
    });
    for (const { subject } of requested) mails.inc({ kind: subject.kind, outcome: 'requested' });
  };
}

function noteOf({ type, data, timestamp }: UserNews): UserNote {
  const { userId } = data;
  if (type === 'UserDeactivated') return { userId, deactivated: true };
  const { email } = data;
  const address = { email, emailSince: new Date(timestamp) };
  return { userId, ...(type === 'UserRegistered' && { name: data.name }), ...address, deactivated: false };
}
