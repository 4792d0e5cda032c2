import { UserDeactivated, UserEmailChanged, UserRegistered } from '@warren/contracts';
import { type NewEvent, type RecordedEvent, streamId } from '@warren/event-store';
import { createId, kernelErrors } from '@warren/kernel';
import { evolve, initialUser, type User, type UserEvent } from '../domain/user.ts';
import { SERVICE_NAME } from './service-name.ts';

/** The log holds what goes over the wire: each event under the version and the key of its contract. */
const CONTRACTS = { UserRegistered, UserEmailChanged, UserDeactivated };

/** The stream that holds a user's events. */
export const userStream = (userId: string): string => streamId('user', userId);

/** The user that the events of its stream make. */
export function replay(events: readonly RecordedEvent[]): User {
  return events.map(asUserEvent).reduce(evolve, initialUser);
}

/** @throws `UNEXPECTED` when the log holds an event that this program does not know. */
export function asUserEvent({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): UserEvent {
  if (Object.hasOwn(CONTRACTS, type)) return { type, data } as UserEvent;
  throw kernelErrors.UNEXPECTED(`a user's stream holds an event ${type}, which this program does not know`);
}

/** A user's event as it goes into the log; the request is its cause. */
export function toNewEvent(event: UserEvent, { correlationId, now }: { correlationId: string; now: Date }): NewEvent {
  const { type, version, routingKey } = CONTRACTS[event.type];
  return {
    id: createId(),
    type,
    version,
    timestamp: now.toISOString(),
    aggregateId: event.data.userId,
    data: event.data,
    metadata: { correlationId, causationId: correlationId, source: SERVICE_NAME },
    routingKey,
  };
}
