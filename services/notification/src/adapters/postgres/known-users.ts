import { type MessageWriter, rows, sql } from '@warren/event-store';
import type { UserNews } from '../../application/request-mails.ts';

/** What one event tells of a user, or several of one user do. What they do not tell is absent. */
interface UserNote {
  userId: string;
  name?: string;
  email?: string;
  /** When the user had that address; of two, the later one counts. */
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

/** Who may get mails, in the table `known_user`. Every column goes one way only, so that the order of the events does not matter. */
export const knownUsers: MessageWriter<UserNews> = {
  writes: (messages) => [
    // Sorted, so that two transactions with the same users wait for each other in one direction only.
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

/** One statement must not meet a row twice. */
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
