import type { Cause } from '@warren/contracts';
import type { MailToDeliver } from '../domain/delivery.ts';

/** A claim on a mail. It is void once there is a claim with a higher number. */
export interface Claim {
  mailId: string;
  claim: number;
}

/** A mail that this process has claimed for the duration of a lease. */
export interface ClaimedMail extends MailToDeliver, Claim {
  cause: Cause;
  /** How often it was postponed. */
  tries: number;
}

/** The mails that have not ended. All times are the database's, so that instances agree on them. */
export interface MailQueue {
  /**
   * Claims due mails, longest due first, and returns them with what is known about them. No other instance gets them within `leaseMs`. Skips
   * those that another transaction is claiming right now.
   */
  claimDue(options: { limit: number; leaseMs: number }): Promise<ClaimedMail[]>;
  /** Postpones mails and counts an attempt of each, except mails that another instance has claimed since. */
  putOff(mails: readonly (Claim & { delayMs: number })[]): Promise<void>;
  /** Releases mails as if they had never been claimed, except mails that another instance has claimed since. */
  giveBack(mails: readonly Claim[]): Promise<void>;
  /** Returns the number of mails, and how long the longest due one has been due, in milliseconds; 0 when none is due. */
  backlog(): Promise<{ mails: number; dueForMs: number }>;
}
