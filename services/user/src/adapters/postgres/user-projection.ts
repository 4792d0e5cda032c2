import type { InlineProjection, RecordedEvent, StoreTransaction } from '@warren/event-store';
import { asUserEvent } from '../../application/user-streams.ts';

type Tx = Pick<StoreTransaction, 'query'>;

/** What the table takes from the events after the first; null leaves a column as it is. */
interface Change {
  id: string;
  email: string | null;
  status: 'deactivated' | null;
  version: number;
  updatedAt: string;
}

/**
 * Keeps the table `users`: two statements for any number of events. Applying an event again, or an older one, changes nothing, so the
 * table can be rebuilt from the log while the service runs.
 */
export const userProjection: InlineProjection = {
  name: 'users',
  tables: ['users'],
  async apply(tx, events) {
    const registered = events.filter(({ type }) => type === 'UserRegistered');
    if (registered.length > 0) await insert(tx, registered);
    const changes = changesIn(events);
    if (changes.length > 0) await update(tx, changes);
  },
};

/** One change for each user, which says what all of the events have left. */
function changesIn(events: readonly RecordedEvent[]): Change[] {
  const changes = new Map<string, Change>();
  for (const recorded of events) {
    const { aggregateId: id, streamVersion: version, timestamp: updatedAt } = recorded;
    const event = asUserEvent(recorded);
    if (event.type === 'UserRegistered') continue;
    const { email, status } = changes.get(id) ?? { email: null, status: null };
    const about = { id, version, updatedAt };
    if (event.type === 'UserEmailChanged') changes.set(id, { ...about, email: event.data.email, status });
    else changes.set(id, { ...about, email, status: 'deactivated' });
  }
  return [...changes.values()];
}

async function insert(tx: Tx, events: readonly RecordedEvent[]): Promise<void> {
  const data = events.map((event) => event.data as { email: string; name: string });
  await tx.query({
    name: 'warren-user/insert',
    text: `INSERT INTO users (id, email, name, status, version, created_at, updated_at)
     SELECT id, email, name, 'active', 1, created_at, created_at
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS one (id, email, name, created_at)
         ON CONFLICT (id) DO NOTHING`,
    values: [
      events.map((event) => event.aggregateId),
      data.map(({ email }) => email),
      data.map(({ name }) => name),
      events.map((event) => event.timestamp),
    ],
  });
}

async function update(tx: Tx, changes: readonly Change[]): Promise<void> {
  await tx.query({
    name: 'warren-user/update',
    text: `UPDATE users
        SET email = coalesce(change.email, users.email), status = coalesce(change.status, users.status),
            version = change.version, updated_at = change.updated_at
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::timestamptz[])
         AS change (id, email, status, version, updated_at)
      WHERE users.id = change.id AND users.version < change.version`,
    values: [
      changes.map((change) => change.id),
      changes.map((change) => change.email),
      changes.map((change) => change.status),
      changes.map((change) => change.version),
      changes.map((change) => change.updatedAt),
    ],
  });
}
