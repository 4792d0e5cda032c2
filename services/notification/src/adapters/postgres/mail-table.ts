import type { Cause } from '@warren/contracts';
import type { EventStore } from '@warren/event-store';
import type { Claim, ClaimedMail, MailQueue } from '../../application/mail-queue.ts';
import type { MailKind } from '../../domain/mail.ts';

const ADD = `
  INSERT INTO mail (mail_id, kind, subject_id, reason, cause, due_at)
  SELECT id, kind, subject, reason, cause, now() + hold * interval '1 millisecond'
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::json[], $6::bigint[])
      AS new (id, kind, subject, reason, cause, hold)`;

/** A claim moves the mail's time ahead by the lease: who dies with it in hand need not be noticed by anybody. */
const CLAIM_DUE = `
  WITH due AS MATERIALIZED (
    SELECT mail_id FROM mail WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE mail SET due_at = now() + $2 * interval '1 millisecond', claim = claim + 1
      FROM due WHERE mail.mail_id = due.mail_id RETURNING mail.*
  )
  SELECT c.mail_id, c.kind, c.subject_id, c.reason, c.cause, c.tries, c.claim,
         o.order_id, o.total_cents, o.currency, o.cancelled, o.shipped, u.user_id, u.name, u.email, u.deactivated
    FROM claimed c
    LEFT JOIN known_order o ON o.order_id = c.subject_id AND c.kind <> 'welcome'
    LEFT JOIN known_user u ON u.user_id = CASE c.kind WHEN 'welcome' THEN c.subject_id ELSE o.customer_id END`;

/** Sorted, so that two transactions never wait for each other in a circle; so is the next one. */
const PUT_OFF = `
  WITH own AS MATERIALIZED (
    SELECT mail.mail_id, delay FROM unnest($1::uuid[], $2::int[], $3::bigint[]) AS put_off (id, claim, delay)
      JOIN mail ON mail.mail_id = put_off.id AND mail.claim = put_off.claim ORDER BY mail.mail_id FOR UPDATE OF mail
  )
  UPDATE mail SET due_at = now() + own.delay * interval '1 millisecond', tries = tries + $4
    FROM own WHERE mail.mail_id = own.mail_id`;

const REMOVE = `
  DELETE FROM mail WHERE mail_id = ANY (ARRAY(
    SELECT mail_id FROM mail WHERE mail_id = ANY ($1::uuid[]) ORDER BY mail_id FOR UPDATE))`;

interface Row {
  mail_id: string;
  kind: MailKind;
  subject_id: string;
  reason: string | null;
  cause: Cause;
  tries: number;
  claim: number;
  order_id: string | null;
  total_cents: number | null;
  currency: string | null;
  cancelled: boolean | null;
  shipped: boolean | null;
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
        mails.map(({ cause }) => JSON.stringify(cause)),
        mails.map(({ holdMs }) => holdMs),
      ];
      await tx.query({ name: 'warren-notification/add', text: ADD, values });
    },
    async claimDue(tx, { limit, leaseMs }) {
      const query = { name: 'warren-notification/claim-due', text: CLAIM_DUE, values: [limit, leaseMs] };
      const { rows } = await tx.query<Row>(query);
      return rows.map(toMail);
    },
    async putOff(tx, mails) {
      await tx.query(putOff(mails, 1));
    },
    async giveBack(tx, mails) {
      const atOnce = mails.map((mail) => ({ ...mail, delayMs: 0 }));
      await tx.query(putOff(atOnce, 0));
    },
    async remove(tx, mailIds) {
      await tx.query({ name: 'warren-notification/remove', text: REMOVE, values: [mailIds] });
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

function putOff(mails: readonly (Claim & { delayMs: number })[], tries: 0 | 1) {
  const values = [
    mails.map(({ mailId }) => mailId),
    mails.map(({ claim }) => claim),
    mails.map(({ delayMs }) => delayMs),
  ];
  return { name: 'warren-notification/put-off', text: PUT_OFF, values: [...values, tries] };
}

function toMail(row: Row): ClaimedMail {
  const { total_cents: cents, currency, user_id: userId } = row;
  const total = cents === null || currency === null ? {} : { total: { cents, currency } };
  const order = { ...total, cancelled: row.cancelled === true, shipped: row.shipped === true };
  const name = row.name === null ? {} : { name: row.name };
  const email = row.email === null ? {} : { email: row.email };
  return {
    mailId: row.mail_id,
    kind: row.kind,
    subjectId: row.subject_id,
    ...(row.reason !== null && { reason: row.reason }),
    cause: row.cause,
    tries: row.tries,
    claim: row.claim,
    ...(row.order_id !== null && { order }),
    ...(userId !== null && { recipient: { userId, ...name, ...email, deactivated: row.deactivated === true } }),
  };
}
