/** A mail as it was taken. */
export interface CaughtMail {
  /** Of the mailbox, rising from 1. */
  id: number;
  /** ISO 8601 in UTC. */
  receivedAt: string;
  /** Whom it was really sent by and to, whatever its head says. */
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
  /** The newest first. */
  list(): CaughtMail[];
  find(id: number): CaughtMail | undefined;
}

/** @param limit how many mails are kept; the oldest go first */
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
