import type { Migration } from '@warren/event-store';

/**
 * The tables of the notification service. A migration that has been released is never changed; a change is a new one.
 */
export const notificationMigrations: readonly Migration[] = [
  {
    number: 1,
    name: 'mails',
    sql: `
      CREATE TABLE known_user (
        user_id text COLLATE "C" PRIMARY KEY,
        name text,
        email text,
        email_since timestamptz,
        deactivated boolean NOT NULL
      );
      COMMENT ON TABLE known_user IS 'Who may get mails, as far as events have told. Of a deactivated user nothing but that is kept.';

      CREATE TABLE known_order (
        order_id text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C",
        total_cents bigint,
        currency text COLLATE "C",
        cancelled boolean NOT NULL,
        touched_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX known_order_touched ON known_order (touched_at);

      CREATE TABLE mail (
        mail_id uuid PRIMARY KEY,
        kind text COLLATE "C" NOT NULL,
        subject_id text COLLATE "C" NOT NULL,
        reason text,
        cause json NOT NULL,
        requested_at timestamptz NOT NULL DEFAULT now(),
        due_at timestamptz NOT NULL,
        tries integer NOT NULL DEFAULT 0,
        claim integer NOT NULL DEFAULT 0
      ) WITH (fillfactor = 70);
      COMMENT ON TABLE mail IS 'Mails that have not come to their end. due_at lies ahead while a mail is claimed, held back or put off.';
      CREATE INDEX mail_due ON mail (due_at);
    `,
  },
  {
    number: 2,
    name: 'shipped orders',
    sql: 'ALTER TABLE known_order ADD COLUMN shipped boolean NOT NULL DEFAULT false',
  },
];
