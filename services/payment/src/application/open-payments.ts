/** The payments that the gateway has yet to answer: what the cashier works off. */
export interface OpenPayments {
  /** Returns the orders whose time it is, the longest due first; at most `limit`, and none of `except`. */
  listDue(selection: { limit: number; except: readonly string[] }): Promise<string[]>;
  /** The gateway gave no answer: it is asked again later, twice as late as the time before. */
  postpone(orderId: string): Promise<void>;
  /** Returns for how many seconds the gateway has not answered the oldest of them; 0 when there is none. */
  oldestAgeSeconds(): Promise<number>;
}
