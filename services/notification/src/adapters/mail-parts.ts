import type { Context } from '@warren/service';
import { createMailRoom, type MailRoom } from '../application/mail-room.ts';
import { parseSenderAddress } from '../domain/sender-address.ts';
import { addMailGauges, createMailCounter } from './mail-metrics.ts';
import { createMailQueue } from './postgres/mail-table.ts';
import { createSmtpMailer, type SmtpMailer } from './smtp/smtp-mailer.ts';
import { loadLetters } from './templates/load-letters.ts';

/** How many mails are sent at the same time, each over its own connection. */
const CONCURRENCY = 5;

/** The settings of the service that affect sending mails. */
interface MailSettings {
  smtpUrl: string;
  mailFrom: string;
  mailPatienceMs: number;
  mailGiveUpMs: number;
  retryBaseMs: number;
}

/** The dependencies of the mail job. @throws `MAIL_TEMPLATE_INVALID` */
export function createMailParts(context: Context<MailSettings>): { mailer: SmtpMailer; mailRoom: MailRoom } {
  const { store, settings, clock, logger, metrics } = context;
  const { smtpUrl: url, mailFrom, mailPatienceMs: patienceMs, mailGiveUpMs: giveUpMs, retryBaseMs } = settings;
  const mailer = createSmtpMailer({ url, from: parseSenderAddress(mailFrom), connections: CONCURRENCY });
  const queue = createMailQueue(store);
  const pace = { patienceMs, giveUpMs, retryBaseMs };
  const mails = createMailCounter(metrics);
  const sending = {
    store,
    queue,
    letters: loadLetters(),
    mailer,
    pace,
    concurrency: CONCURRENCY,
    clock,
    logger,
    mails,
  };
  const mailRoom = createMailRoom(sending);
  addMailGauges({ queue, isUp: () => mailRoom.condition().up, logger, metrics });
  return { mailer, mailRoom };
}
