import type { UserBook, UserNote } from '../../application/books.ts';

/** Every column goes one way only, so that the order of the events does not matter. */
const NOTE_USER = `
  INSERT INTO known_user AS known (user_id, name, email, email_since, deactivated) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (user_id) DO UPDATE SET
    name = CASE WHEN known.deactivated OR excluded.deactivated THEN NULL ELSE coalesce(known.name, excluded.name) END,
    email = CASE WHEN known.deactivated OR excluded.deactivated THEN NULL
      WHEN excluded.email_since >= known.email_since OR known.email_since IS NULL THEN excluded.email ELSE known.email END,
    email_since = greatest(known.email_since, excluded.email_since),
    deactivated = known.deactivated OR excluded.deactivated`;

/** The recipients in the table `known_user`. */
export function createUserTable(): UserBook {
  return {
    async note(tx, notes) {
      // In one order, so that two transactions never wait for each other in a circle. Users are few: a statement for each will do.
      for (const { userId, name, email, emailSince, deactivated } of notes.toSorted(byUser)) {
        const values = [userId, name ?? null, email ?? null, emailSince ?? null, deactivated];
        await tx.query({ name: 'warren-notification/note-user', text: NOTE_USER, values });
      }
    },
  };
}

function byUser(one: UserNote, other: UserNote): number {
  if (one.userId === other.userId) return 0;
  return one.userId < other.userId ? -1 : 1;
}
