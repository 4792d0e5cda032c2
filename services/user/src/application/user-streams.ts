import { type Cause, UserDeactivated, UserEmailChanged, UserRegistered, upcastTo } from '@warren/contracts';
import { type NewEvent, type RecordedEvent, streamId } from '@warren/event-store';
import { createId, kernelErrors } from '@warren/kernel';
import { evolve, initialUser, type User, type UserEvent } from '../domain/user.ts';
import { SERVICE_NAME } from './service-name.ts';

/** The log holds what goes over the wire: each event under the version and the key of its contract. */
const CONTRACTS = { UserRegistered, UserEmailChanged, UserDeactivated };

/** After these nothing happens to a user any more: the stream may be archived. */
export const ENDING_EVENTS: readonly UserEvent['type'][] = ['UserDeactivated'];

/** The stream that holds a user's events. */
export const userStream = (userId: string): string => streamId('user', userId);

/** The user that the events of its stream make. */
export function replay(events: readonly RecordedEvent[]): User {
  return events.map(asUserEvent).reduce(evolve, initialUser);
}

/**
 * An event of the log as this program writes it today: one of an earlier version is upcast.
 * @throws `UNEXPECTED` when the log holds an event, or a version of one, that this program does not know.
 */
export function asUserEvent(recorded: Pick<RecordedEvent, 'type' | 'version' | 'data'>): UserEvent {
  const { type } = recorded;
  if (isKnown(type)) return { type, data: upcastTo(CONTRACTS[type], recorded) } as UserEvent;
  throw kernelErrors.UNEXPECTED(`a user's stream holds an event ${type}, which this program does not know`);
}

const isKnown = (type: string): type is UserEvent['type'] => Object.hasOwn(CONTRACTS, type);

/** A user's event as it goes into the log. */
export function toNewEvent(event: UserEvent, { cause, now }: { cause: Cause; now: Date }): NewEvent {
  const { type, version, routingKey } = CONTRACTS[event.type];
  return {
    id: createId(),
    type,
    version,
    timestamp: now.toISOString(),
    aggregateId: event.data.userId,
    data: event.data,
    metadata: { ...cause, source: SERVICE_NAME },
    routingKey,
  };
}
