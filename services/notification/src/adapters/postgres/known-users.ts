import { type MessageWriter, rows, sql } from '@warren/event-store';
import type { UserNews } from '../../application/request-mails.ts';

/** What one or more events say about a user. What they do not say is absent. */
interface UserNote {
  userId: string;
  name?: string;
  email?: string;
  /** When the user got this address; of two addresses, the later one counts. */
  emailSince?: string;
  deactivated: boolean;
}

const columns = {
  userId: 'text',
  name: 'text',
  email: 'text',
  emailSince: 'timestamptz',
  deactivated: 'boolean',
} as const;

/** The users who may get mails, in the table `known_user`. Columns only move forward, so the sequence of the events does not matter. */
export const knownUsers: MessageWriter<UserNews> = {
  writes: (messages) => [
    // Sorted, so that two transactions with the same users cannot deadlock.
    sql`
      INSERT INTO known_user AS known (user_id, name, email, email_since, deactivated)
      SELECT user_id, name, email, email_since, deactivated FROM ${rows('note', columns, mergeByUser(messages.map(noteOf)))}
       ORDER BY user_id COLLATE "C"
          ON CONFLICT (user_id) DO UPDATE SET
        name = CASE WHEN known.deactivated OR excluded.deactivated THEN NULL ELSE coalesce(known.name, excluded.name) END,
        email = CASE WHEN known.deactivated OR excluded.deactivated THEN NULL
          WHEN excluded.email_since >= known.email_since OR known.email_since IS NULL THEN excluded.email
          ELSE known.email END,
        email_since = greatest(known.email_since, excluded.email_since),
        deactivated = known.deactivated OR excluded.deactivated`,
  ],
};

function noteOf({ type, data, timestamp }: UserNews): UserNote {
  const { userId } = data;
  if (type === 'UserDeactivated') return { userId, deactivated: true };
  const { email } = data;
  return {
    userId,
    ...(type === 'UserRegistered' && { name: data.name }),
    email,
    emailSince: timestamp,
    deactivated: false,
  };
}

/** One statement must not update a row twice. */
function mergeByUser(notes: readonly UserNote[]): UserNote[] {
  const merged = new Map<string, UserNote>();
  for (const note of notes) merged.set(note.userId, merge(merged.get(note.userId), note));
  return [...merged.values()];
}

function merge(before: UserNote | undefined, note: UserNote): UserNote {
  if (!before) return note;
  const { userId } = note;
  if (before.deactivated || note.deactivated) return { userId, deactivated: true };
  const isLater = Date.parse(note.emailSince ?? '') >= Date.parse(before.emailSince ?? '');
  return { ...(isLater ? { ...before, ...note } : { ...note, ...before }) };
}
