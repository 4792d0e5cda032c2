import type { EventStore } from '@warren/event-store';
import type { ClaimedMail, MailQueue } from '../../application/mail-queue.ts';
import type { MailKind } from '../../domain/mail.ts';

const ADD = `
  INSERT INTO mail (mail_id, kind, subject_id, reason, correlation_id, due_at)
  SELECT id, kind, subject, reason, correlation, now() + hold * interval '1 millisecond'
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
      AS new (id, kind, subject, reason, correlation, hold)`;

/** A claim moves the mail's time ahead by the lease: who dies with it in hand need not be noticed by anybody. */
export const CLAIM_DUE = `
  WITH due AS MATERIALIZED (
    SELECT mail_id FROM mail WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE mail SET due_at = now() + $2 * interval '1 millisecond', claim = claim + 1
      FROM due WHERE mail.mail_id = due.mail_id RETURNING mail.*
  )
  SELECT c.mail_id, c.kind, c.subject_id, c.reason, c.correlation_id, c.tries, c.claim,
         (extract(epoch FROM now() - c.requested_at) * 1000)::float8 AS age_ms,
         o.order_id, o.total_cents, o.currency, o.cancelled, u.user_id, u.name, u.email, u.deactivated
    FROM claimed c
    LEFT JOIN known_order o ON o.order_id = c.subject_id AND c.kind <> 'welcome'
    LEFT JOIN known_user u ON u.user_id = CASE c.kind WHEN 'welcome' THEN c.subject_id ELSE o.customer_id END`;

const POSTPONE = `
  UPDATE mail SET due_at = now() + $3 * interval '1 millisecond', tries = tries + $4 WHERE mail_id = $1 AND claim = $2`;

interface Row {
  mail_id: string;
  kind: MailKind;
  subject_id: string;
  reason: string | null;
  correlation_id: string;
  tries: number;
  claim: number;
  age_ms: number;
  order_id: string | null;
  total_cents: number | null;
  currency: string | null;
  cancelled: boolean | null;
  user_id: string | null;
  name: string | null;
  email: string | null;
  deactivated: boolean | null;
}

/** The mails in the table `mail`. */
export function createMailTable(store: Pick<EventStore, 'query'>): MailQueue {
  return {
    async add(tx, mails) {
      if (mails.length === 0) return;
      const values = [
        mails.map(({ mailId }) => mailId),
        mails.map(({ kind }) => kind),
        mails.map(({ subjectId }) => subjectId),
        mails.map(({ reason }) => reason ?? null),
        mails.map(({ correlationId }) => correlationId),
        mails.map(({ holdMs }) => holdMs),
      ];
      await tx.query({ name: 'warren-notification/add', text: ADD, values });
    },
    async claimDue(tx, { limit, leaseMs }) {
      const query = { name: 'warren-notification/claim-due', text: CLAIM_DUE, values: [limit, leaseMs] };
      const { rows } = await tx.query<Row>(query);
      return rows.map(toMail);
    },
    async postpone(tx, { mailId, claim }, { delayMs, tried }) {
      const values = [mailId, claim, delayMs, tried ? 1 : 0];
      await tx.query({ name: 'warren-notification/postpone', text: POSTPONE, values });
    },
    async remove(tx, mailId) {
      await tx.query('DELETE FROM mail WHERE mail_id = $1', [mailId]);
    },
    async backlog() {
      const { rows } = await store.query<{ mails: number; due_for_ms: number }>(
        `SELECT count(*) AS mails, greatest(extract(epoch FROM now() - min(due_at)) * 1000, 0)::float8 AS due_for_ms FROM mail`,
      );
      const { mails = 0, due_for_ms: dueForMs = 0 } = rows[0] ?? {};
      return { mails, dueForMs };
    },
  };
}

function toMail(row: Row): ClaimedMail {
  const { total_cents: cents, currency, user_id: userId } = row;
  const total = cents === null || currency === null ? {} : { total: { cents, currency } };
  const order = { ...total, cancelled: row.cancelled === true };
  const name = row.name === null ? {} : { name: row.name };
  const email = row.email === null ? {} : { email: row.email };
  return {
    mailId: row.mail_id,
    kind: row.kind,
    subjectId: row.subject_id,
    ...(row.reason !== null && { reason: row.reason }),
    correlationId: row.correlation_id,
    tries: row.tries,
    claim: row.claim,
    ageMs: row.age_ms,
    ...(row.order_id !== null && { order }),
    ...(userId !== null && { recipient: { userId, ...name, ...email, deactivated: row.deactivated === true } }),
  };
}
