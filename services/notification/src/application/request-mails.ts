import type { StoreTransaction } from '@warren/event-store';
import { decideMails, type MailRequest } from './mail-streams.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';

/**
 * Asks for mails inside a transaction, each once in its life: the wish stands in the log, the mail in the queue. Gives those that are new.
 */
export async function requestMails(
  tx: StoreTransaction,
  requests: readonly MailRequest[],
  { queue, clock, pace }: Pick<NotificationDependencies, 'queue' | 'clock' | 'pace'>,
): Promise<MailRequest[]> {
  const accepted = await decideMails(tx, requests, clock.now());
  const mails = accepted.map(({ subject, command, eventId, cause }) => ({
    ...subject,
    mailId: eventId,
    cause,
    ...(command.type === 'RequestMail' && command.reason !== undefined && { reason: command.reason }),
    holdMs: subject.kind === 'confirmed' ? pace.holdMs : 0,
  }));
  await queue.add(tx, mails);
  return accepted;
}
