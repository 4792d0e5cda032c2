import type { Store } from '@warren/event-store';
import type { Counter, Logger } from '@warren/kernel';
import { type MailCommand, mail } from '../domain/mail.ts';
import type { ClaimedMail } from './mail-queue.ts';

/** The dependencies of {@link endMail}. */
export interface Ending {
  readonly store: Pick<Store, 'decide'>;
  readonly logger: Logger;
  /** Counts mails by outcome: `sent`, `refused`, the reason for dropping it, or `repeated` (sent twice). */
  readonly mails: Counter<'kind' | 'outcome'>;
}

/**
 * Ends a mail. If another instance has already ended a mail that we have sent, our claim had expired: the mail was sent twice and counts as
 * `repeated`.
 */
export async function endMail(
  { store, logger, mails }: Ending,
  claimed: ClaimedMail,
  command: MailCommand,
): Promise<void> {
  const { mailId, kind, subjectId, cause } = claimed;
  const { ignored } = await store.decide(mail, command, { cause: { ...cause, causationId: mailId } });
  const outcome = ignored !== undefined && command.type === 'RecordSent' ? 'repeated' : outcomeOf(command);
  mails.inc({ kind, outcome });
  const { correlationId } = cause;
  logger.info({ mailId, kind, subjectId, correlationId, outcome }, 'a mail has ended');
}

function outcomeOf({ type, data }: MailCommand): string {
  if (type === 'DropMail') return data.why;
  return type === 'RecordSent' ? 'sent' : 'refused';
}
