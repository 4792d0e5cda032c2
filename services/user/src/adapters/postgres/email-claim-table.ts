import type { EmailClaims } from '../../application/email-claims.ts';
import { emailKeyOf } from '../../domain/email-key.ts';

/** The claims in the table `user_emails`, whose primary key is the promise. */
export function createEmailClaimTable(): EmailClaims {
  return {
    async claim(tx, email, userId) {
      const key = emailKeyOf(email);
      // The update changes nothing: it locks the row and gives who has the address, so that nobody can free it in between.
      const { rows } = await tx.query<{ user_id: string }>(
        `INSERT INTO user_emails AS claim (email_key, user_id) VALUES ($1, $2)
             ON CONFLICT (email_key) DO UPDATE SET user_id = claim.user_id
          RETURNING user_id`,
        [key, userId],
      );
      if (rows[0]?.user_id !== userId) return false;
      await tx.query('DELETE FROM user_emails WHERE user_id = $1 AND email_key <> $2', [userId, key]);
      return true;
    },
    async release(tx, userId) {
      await tx.query('DELETE FROM user_emails WHERE user_id = $1', [userId]);
    },
  };
}
