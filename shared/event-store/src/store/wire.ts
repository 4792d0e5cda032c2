import { type AnyAggregate, type EventEnvelope, isContract } from '@warren/contracts';
import { deriveId, kernelErrors } from '@warren/kernel';
import type { RecordedEvent } from '../log/event-store.ts';
import { isOf, toLatest } from './aggregate-log.ts';

/**
 * Returns the messages to publish for an event of these aggregates, with the same ids at every call. An event of a contract is published in
 * the version in which it was recorded, because it may have been recorded for readers that know no other version.
 * @throws `UNEXPECTED` for an event that this program does not know: it must not be published as something else
 */
export const toWireOf =
  (aggregates: readonly AnyAggregate[]) =>
  (recorded: RecordedEvent): readonly EventEnvelope[] => {
    const { id, type, version, timestamp, aggregateId, data, metadata } = recorded;
    const aggregate = aggregates.find((one) => isOf(one, recorded));
    const known = aggregate?.events[type];
    if (!aggregate || !known)
      throw kernelErrors.UNEXPECTED(`${recorded.streamId} holds an event ${type}, which this program does not know`);
    const common = { id, timestamp, aggregateId, metadata };
    if (isContract(known)) return [{ ...common, type, version, data }];
    const messages = known.publishedAs?.messagesOf(toLatest(aggregate, recorded) as never) ?? [];
    return messages.map((message, at) => ({ ...common, ...message, id: at === 0 ? id : deriveId(id, message.type) }));
  };
