import type { StoreTransaction } from '@warren/event-store';

type Tx = Pick<StoreTransaction, 'query'>;

/** Which user has which e-mail address: each user one at most, each address (see `emailKeyOf`) one user at most. */
export interface EmailClaims {
  /**
   * Gives the address to the user in place of the one that the user had, unless somebody else has it. Waits for a simultaneous transaction
   * that has just taken or freed it. True when the user has it now.
   */
  claim(tx: Tx, email: string, userId: string): Promise<boolean>;
  /** Makes the address of the user free. */
  release(tx: Tx, userId: string): Promise<void>;
}
