import type { Cause } from '@warren/contracts';
import type { StoreTransaction } from '@warren/event-store';
import type { MailToDeliver } from '../domain/delivery.ts';
import type { MailSubject } from '../domain/mail.ts';

type Tx = Pick<StoreTransaction, 'query'>;

/** A mail that was asked for. */
export interface QueuedMail extends MailSubject {
  /** Id of its `MailRequested`; its Message-ID is made of it, the same at every try. */
  mailId: string;
  /** What it was asked for by. */
  cause: Cause;
  /** Why the order was cancelled. */
  reason?: string;
  /** How long it is held back, in milliseconds. */
  holdMs: number;
}

/** Which mail is whose: the number of a claim is worth nothing once there is a later one. */
export interface Claim {
  mailId: string;
  claim: number;
}

/** A mail that is this process's for a while. */
export interface ClaimedMail extends MailToDeliver, Claim {
  cause: Cause;
  /** How often it was put off. */
  tries: number;
}

/** The mails that have not come to their end. All times are those of the database, so that instances agree on them. */
export interface MailQueue {
  add(tx: Tx, mails: readonly QueuedMail[]): Promise<void>;
  /**
   * Takes mails whose time has come, the longest due first, together with what is known about them. Nobody else gets them within `leaseMs`;
   * those that another transaction is taking at this moment are passed over.
   */
  claimDue(tx: Tx, options: { limit: number; leaseMs: number }): Promise<ClaimedMail[]>;
  /** Gives mails back until later, and counts a try of each; not those that somebody else has claimed since. */
  putOff(tx: Tx, mails: readonly (Claim & { delayMs: number })[]): Promise<void>;
  /** Gives mails back as if they had never been claimed; not those that somebody else has claimed since. */
  giveBack(tx: Tx, mails: readonly Claim[]): Promise<void>;
  /** The mails have come to their ends. */
  remove(tx: Tx, mailIds: readonly string[]): Promise<void>;
  /** How many there are, and for how many milliseconds the one that has been due for longest is due; 0 when none is. */
  backlog(): Promise<{ mails: number; dueForMs: number }>;
}
