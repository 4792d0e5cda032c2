import { type Cause, causeOf } from '@warren/contracts';
import { defineProjection, rows, type Sql, type Store, sql } from '@warren/event-store';
import type { Claim, ClaimedMail, MailQueue } from '../../application/mail-queue.ts';
import { type MailKind, mail } from '../../domain/mail.ts';

const columns = {
  mailId: 'uuid',
  kind: 'text',
  subjectId: 'text',
  reason: 'text',
  cause: 'json',
  holdMs: 'bigint',
} as const;

/** Requested mails enter the table `mail`, and leave it when they have ended. */
export const mailTable = defineProjection(
  mail,
  // The table also has claims and attempts, which are not in the log.
  { name: 'mail', tables: ['mail'], rebuildable: false },
  (events) => {
    const requested = events.flatMap((event) =>
      event.type === 'MailRequested' ? [{ holdMs: 0, ...event.data, mailId: event.id, cause: causeOf(event) }] : [],
    );
    // A mail has the id of the event that requested it, which is the cause of the event that ends it.
    const ended = events
      .filter(({ type }) => type !== 'MailRequested')
      .map(({ metadata }) => ({ mailId: metadata.causationId }));
    return [
      sql`
        INSERT INTO mail (mail_id, kind, subject_id, reason, cause, due_at)
        SELECT mail_id, kind, subject_id, reason, cause, now() + hold_ms * interval '1 millisecond'
          FROM ${rows('requested', columns, requested)}`,
      // Sorted, so that two transactions cannot deadlock; postponed mails are sorted too.
      sql`
        DELETE FROM mail WHERE mail_id = ANY (ARRAY(
          SELECT mail.mail_id FROM ${rows('ended', { mailId: 'uuid' }, ended)}
            JOIN mail ON mail.mail_id = ended.mail_id ORDER BY mail.mail_id FOR UPDATE OF mail))`,
    ];
  },
);

/** A claim moves the mail's due time ahead by the lease, so a crash of its holder need not be detected. */
const claimDue = ({ limit, leaseMs }: { limit: number; leaseMs: number }): Sql => sql`
  WITH due AS MATERIALIZED (
    SELECT mail_id FROM mail WHERE due_at <= now() ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE mail SET claim = claim + 1, due_at = now() + interval '1 millisecond' * ${leaseMs}
      FROM due WHERE mail.mail_id = due.mail_id RETURNING mail.*
  )
  SELECT c.mail_id, c.kind, c.subject_id, c.reason, c.cause, c.tries, c.claim,
         o.order_id, o.total_cents, o.currency, o.cancelled, o.shipped, u.user_id, u.name, u.email, u.deactivated
    FROM claimed c
    LEFT JOIN known_order o ON o.order_id = c.subject_id AND c.kind <> 'welcome'
    LEFT JOIN known_user u ON u.user_id = CASE c.kind WHEN 'welcome' THEN c.subject_id ELSE o.customer_id END`;

const putOff = (mails: readonly (Claim & { delayMs: number })[], tries: 0 | 1): Sql => sql`
  UPDATE mail SET due_at = now() + own.delay_ms * interval '1 millisecond', tries = tries + ${tries}
    FROM (
      SELECT mail.mail_id, delay_ms
        FROM ${rows('put_off', { mailId: 'uuid', claim: 'integer', delayMs: 'bigint' }, mails)}
        JOIN mail ON mail.mail_id = put_off.mail_id AND mail.claim = put_off.claim ORDER BY mail.mail_id FOR UPDATE OF mail
    ) AS own
   WHERE mail.mail_id = own.mail_id`;

/** The mails in the table `mail`. */
export function createMailQueue(store: Pick<Store, 'query' | 'transaction'>): MailQueue {
  return {
    async claimDue(options) {
      const claimed = await store.transaction((tx) => tx.query<Row>(claimDue(options)));
      return claimed.map(toMail);
    },
    async putOff(mails) {
      if (mails.length > 0) await store.transaction((tx) => tx.write([putOff(mails, 1)]));
    },
    async giveBack(mails) {
      if (mails.length === 0) return;
      const atOnce = mails.map((one) => ({ ...one, delayMs: 0 }));
      await store.transaction((tx) => tx.write([putOff(atOnce, 0)]));
    },
    async backlog() {
      const [row] = await store.query<{ mails: number; dueForMs: number }>(sql`
        SELECT count(*) AS mails, greatest(extract(epoch FROM now() - min(due_at)) * 1000, 0)::float8 AS due_for_ms FROM mail`);
      const { mails = 0, dueForMs = 0 } = row ?? {};
      return { mails, dueForMs };
    },
  };
}

interface Row {
  mailId: string;
  kind: MailKind;
  subjectId: string;
  reason: string | null;
  cause: Cause;
  tries: number;
  claim: number;
  orderId: string | null;
  totalCents: number | null;
  currency: string | null;
  cancelled: boolean | null;
  shipped: boolean | null;
  userId: string | null;
  name: string | null;
  email: string | null;
  deactivated: boolean | null;
}

function toMail(row: Row): ClaimedMail {
  const { mailId, kind, subjectId, reason, cause, tries, claim, totalCents: cents, currency, userId } = row;
  const total = cents === null || currency === null ? {} : { total: { cents, currency } };
  const order = { ...total, cancelled: row.cancelled === true, shipped: row.shipped === true };
  const name = row.name === null ? {} : { name: row.name };
  const email = row.email === null ? {} : { email: row.email };
  return {
    ...{ mailId, kind, subjectId, cause, tries, claim },
    ...(reason !== null && { reason }),
    ...(row.orderId !== null && { order }),
    ...(userId !== null && { recipient: { userId, ...name, ...email, deactivated: row.deactivated === true } }),
  };
}
