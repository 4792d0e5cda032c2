import type { Store } from '@warren/event-store';
import type { Counter, Logger } from '@warren/kernel';
import { type MailCommand, mail } from '../domain/mail.ts';
import type { ClaimedMail } from './mail-queue.ts';

/** What ending a mail needs. */
export interface Ending {
  readonly store: Pick<Store, 'decide'>;
  readonly logger: Logger;
  /** Counts mails by how they ended: `sent`, `refused`, a reason why one was dropped, or `repeated` (sent twice). */
  readonly mails: Counter<'kind' | 'outcome'>;
}

/**
 * Brings a mail to its end. Where somebody else has done so with one that we have sent, our claim had run out: it was sent twice, and
 * counts as `repeated`.
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
  logger.info({ mailId, kind, subjectId, correlationId, outcome }, 'a mail has come to its end');
}

function outcomeOf({ type, data }: MailCommand): string {
  if (type === 'DropMail') return data.why;
  return type === 'RecordSent' ? 'sent' : 'refused';
}
