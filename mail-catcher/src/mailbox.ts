/** A received mail. */
export interface CaughtMail {
  /** Assigned by the mailbox, ascending from 1. */
  id: number;
  /** ISO 8601 in UTC. */
  receivedAt: string;
  /** The actual sender and recipients (SMTP envelope), whatever the headers say. */
  envelope: { from: string; to: readonly string[] };
  messageId: string | undefined;
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string | undefined;
}

/** The latest mails, in memory. */
export interface Mailbox {
  add(mail: Omit<CaughtMail, 'id'>): void;
  /** Newest first. */
  list(): CaughtMail[];
  find(id: number): CaughtMail | undefined;
}

/** @param limit how many mails are kept; the oldest are dropped */
export function createMailbox(limit: number): Mailbox {
  const mails: CaughtMail[] = [];
  let lastId = 0;
  return {
    add(mail) {
      lastId += 1;
      mails.push({ id: lastId, ...mail });
      if (mails.length > limit) mails.shift();
    },
    list: () => mails.toReversed(),
    find: (id) => mails.find((mail) => mail.id === id),
  };
}
