import type { RecordedEvent } from '@warren/event-store';
import { asUserEvent } from './user-streams.ts';

/** A user as the API shows it. */
export interface UserView {
  id: string;
  email: string;
  name: string;
  status: 'active' | 'deactivated';
  /** Number of events that it is made of; also its ETag. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
}

/** A user right after the registration, whatever has happened since: the answer to the request that registered it. */
export function viewAtRegistration(recorded: RecordedEvent | undefined): UserView | undefined {
  const event = recorded && asUserEvent(recorded);
  if (event?.type !== 'UserRegistered') return undefined;
  const { userId: id, email, name } = event.data;
  const { timestamp } = recorded as RecordedEvent;
  return { id, email, name, status: 'active', version: 1, createdAt: timestamp, updatedAt: timestamp };
}
