import type { Cause } from '@warren/contracts';
import type { MailToDeliver } from '../domain/delivery.ts';

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
  /**
   * Takes mails whose time has come, the longest due first, together with what is known about them. Nobody else gets them within `leaseMs`;
   * those that another transaction is taking at this moment are passed over.
   */
  claimDue(options: { limit: number; leaseMs: number }): Promise<ClaimedMail[]>;
  /** Gives mails back until later, and counts a try of each; not those that somebody else has claimed since. */
  putOff(mails: readonly (Claim & { delayMs: number })[]): Promise<void>;
  /** Gives mails back as if they had never been claimed; not those that somebody else has claimed since. */
  giveBack(mails: readonly Claim[]): Promise<void>;
  /** Returns how many there are, and for how many milliseconds the one that has been due for longest is due; 0 when none is. */
  backlog(): Promise<{ mails: number; dueForMs: number }>;
}
