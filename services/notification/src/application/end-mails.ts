import { createId } from '@warren/kernel';
import type { MailCommand } from '../domain/mail.ts';
import type { ClaimedMail } from './mail-queue.ts';
import { decideMails } from './mail-streams.ts';
import type { NotificationDependencies } from './notification-dependencies.ts';

/** How a mail ends. */
export interface MailEnd {
  mail: ClaimedMail;
  command: MailCommand;
  /** For the metric. */
  outcome: string;
}

export type EndMails = (ends: readonly MailEnd[]) => Promise<void>;

/**
 * Brings mails to their ends, in one transaction. Where somebody else has done so with one that we have sent, our claim had run out: it was
 * sent twice, and counts as `repeated`.
 */
export function createEndMails({ store, queue, clock, logger, mails }: NotificationDependencies): EndMails {
  return async (ends) => {
    if (ends.length === 0) return;
    const requests = ends.map(({ mail: { kind, subjectId, mailId, cause }, command }) => ({
      subject: { kind, subjectId },
      command,
      eventId: createId(),
      cause: { ...cause, causationId: mailId },
    }));
    const recorded = await store.transaction(async (tx) => {
      await queue.remove(
        tx,
        ends.map(({ mail }) => mail.mailId),
      );
      return new Set((await decideMails(tx, requests, clock.now())).map(({ eventId }) => eventId));
    });
    ends.forEach(
      (
        {
          mail: {
            kind,
            subjectId,
            mailId,
            cause: { correlationId },
          },
          outcome,
        },
        at,
      ) => {
        const isRepeated = outcome === 'sent' && !recorded.has(requests[at]?.eventId ?? '');
        const counted = isRepeated ? 'repeated' : outcome;
        mails.inc({ kind, outcome: counted });
        logger.info({ mailId, kind, subjectId, correlationId, outcome: counted }, 'a mail has come to its end');
      },
    );
  };
}
