import type { Clock } from '@warren/kernel';
import type { Ending } from './end-mail.ts';
import type { MailQueue } from './mail-queue.ts';
import type { Letters, Mailer } from './mailer.ts';

/** How long mails wait, in milliseconds. */
export interface MailPace {
  /** How long a mail waits for its recipient to become known. */
  patienceMs: number;
  /** How long a mail that the mail server defers is retried. */
  giveUpMs: number;
  /** Delay before the second attempt; doubles with each further one. */
  retryBaseMs: number;
}

/** The dependencies of sending mails. */
export interface Sending extends Ending {
  readonly queue: MailQueue;
  readonly letters: Letters;
  readonly mailer: Mailer;
  readonly pace: MailPace;
  /** How many mails are sent at the same time. */
  readonly concurrency: number;
  readonly clock: Clock;
}
