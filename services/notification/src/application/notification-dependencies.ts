import type { EventStore } from '@warren/event-store';
import type { Clock, Counter, Logger } from '@warren/kernel';
import type { OrderBook, UserBook } from './books.ts';
import type { MailQueue } from './mail-queue.ts';
import type { Letters, Mailer } from './mailer.ts';

/** For how long mails wait, all in milliseconds. */
export interface MailPace {
  /** How long a mail about a confirmed order is held back. */
  holdMs: number;
  /** How long a mail waits for its recipient to become known. */
  patienceMs: number;
  /** How long a mail is tried that the mail server puts off. */
  giveUpMs: number;
  /** Before the second try; each further one is twice as long. */
  retryBaseMs: number;
}

/** What the notification service needs of the world. */
export interface NotificationDependencies {
  store: EventStore;
  users: UserBook;
  orders: OrderBook;
  queue: MailQueue;
  letters: Letters;
  mailer: Mailer;
  pace: MailPace;
  /** How many mails are sent at the same moment. */
  concurrency: number;
  clock: Clock;
  logger: Logger;
  /** Counts mails by what became of them: `requested`, `sent`, `refused`, a reason why it was dropped, or `repeated` (sent twice). */
  mails: Counter<'kind' | 'outcome'>;
}
