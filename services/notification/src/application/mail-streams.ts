import { CustomerNotified, WelcomeEmailSent } from '@shop/events/notification';
import { type Cause, causeOf, type EventEnvelope } from '@warren/contracts';
import {
  decideStreams,
  type NewEvent,
  type RecordedEvent,
  type StoreTransaction,
  storeErrors,
  streamId,
} from '@warren/event-store';
import { createId } from '@warren/kernel';
import { decide, evolve, type MailCommand, type MailEvent, type MailSubject, noMail } from '../domain/mail.ts';
import { SERVICE_NAME } from './service-name.ts';

const ENDS: Readonly<Record<MailEvent['type'], boolean>> = {
  MailRequested: false,
  WelcomeEmailSent: true,
  CustomerNotified: true,
  MailRefused: true,
  MailDropped: true,
};

/** After these nothing happens to a mail any more: its stream may be archived. */
export const ENDING_EVENTS: readonly string[] = Object.keys(ENDS).filter((type) => ENDS[type as MailEvent['type']]);

/** Something that is asked of a mail, and by what. */
export interface MailRequest {
  subject: MailSubject;
  command: MailCommand;
  /** Of the event that follows. */
  eventId: string;
  cause: Cause;
}

/** A request that follows from a message. */
export function causedBy(
  message: Pick<EventEnvelope, 'id' | 'metadata'>,
  request: Pick<MailRequest, 'subject' | 'command'>,
): MailRequest {
  return { ...request, eventId: createId(), cause: causeOf(message) };
}

/** Decides requests inside a transaction and appends what follows; gives those from which something did. */
export async function decideMails(
  tx: Pick<StoreTransaction, 'load' | 'append'>,
  requests: readonly MailRequest[],
  now: Date,
): Promise<MailRequest[]> {
  const decided = await decideStreams(tx, requests, {
    streamOf: ({ subject }) => streamId('mail', `${subject.kind}-${subject.subjectId}`),
    replay: (events: readonly RecordedEvent[]) =>
      events.reduce((mail, event) => evolve(mail, event as MailEvent), noMail),
    decide: (mail, { subject, command }) => decide(mail, subject, command),
    evolve,
    toNewEvent: (event, request) => toNewEvent(event, request, now),
    contested: () => storeErrors.TRANSACTION_CONTENTION('a mail was changed by others again and again'),
  });
  return decided.filter(({ decision }) => !('outcome' in decision)).map(({ request }) => request);
}

const CONTRACTS = { WelcomeEmailSent, CustomerNotified };

function toNewEvent({ type, data }: MailEvent, { subject, eventId, cause }: MailRequest, now: Date): NewEvent {
  const contract = type === 'WelcomeEmailSent' || type === 'CustomerNotified' ? CONTRACTS[type] : undefined;
  return {
    id: eventId,
    type,
    version: contract?.version ?? 1,
    timestamp: now.toISOString(),
    aggregateId: subject.subjectId,
    data,
    metadata: { ...cause, source: SERVICE_NAME },
    // An event without a contract stays in the log.
    routingKey: contract?.routingKey ?? null,
  };
}
