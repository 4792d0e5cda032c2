import type { Clock } from '@warren/kernel';
import type { Ending } from './end-mail.ts';
import type { MailQueue } from './mail-queue.ts';
import type { Letters, Mailer } from './mailer.ts';

/** For how long mails wait, all in milliseconds. */
export interface MailPace {
  /** How long a mail waits for its recipient to become known. */
  patienceMs: number;
  /** How long a mail is tried that the mail server puts off. */
  giveUpMs: number;
  /** Before the second try; each further one is twice as long. */
  retryBaseMs: number;
}

/** What sending mails needs. */
export interface Sending extends Ending {
  readonly queue: MailQueue;
  readonly letters: Letters;
  readonly mailer: Mailer;
  readonly pace: MailPace;
  /** How many mails are sent at the same moment. */
  readonly concurrency: number;
  readonly clock: Clock;
}
