import { busSettings } from '@warren/event-bus';
import { databaseSettings } from '@warren/event-store';
import { formats, setting } from '@warren/kernel';
import { parseSenderAddress } from './domain/sender-address.ts';

/** The notification service's own settings. */
export const notificationSettings = {
  smtpUrl: setting({
    env: 'SMTP_URL',
    doc: 'The mail server, e.g. smtps://user:password@mail.example.com:465; by default the mail catcher of npm start.',
    format: formats.url('smtp:', 'smtps:'),
    default: 'smtp://localhost:1025',
    secret: true,
  }),
  mailFrom: setting({
    env: 'MAIL_FROM',
    doc: 'The sender of the mails: an address, or a name and an address in angle brackets.',
    format: (text: string) => {
      parseSenderAddress(text);
      return text;
    },
    default: 'Warren <no-reply@localhost>',
  }),
  mailHoldMs: setting({
    env: 'MAIL_HOLD_MS',
    doc: 'How long the mail about a confirmed order is held back, in milliseconds; if the order is cancelled or shipped meanwhile, only the mail about that is sent.',
    format: formats.integer(0, 86_400_000),
    default: 2000,
  }),
  mailPatienceMs: setting({
    env: 'MAIL_PATIENCE_MS',
    doc: 'How long a mail waits for its recipient to become known, in milliseconds; then it is dropped.',
    format: formats.integer(0, 2_592_000_000),
    default: 600_000,
  }),
  mailGiveUpMs: setting({
    env: 'MAIL_GIVE_UP_MS',
    doc: 'How long a mail that the mail server defers is retried, in milliseconds. Time in which the mail server cannot be used does not count.',
    format: formats.integer(0, 2_592_000_000),
    default: 259_200_000,
  }),
  /** A setting of the kit that applies to mails too. */
  retryBaseMs: busSettings.retryBaseMs,
  /** A setting of the kit that applies to the table `known_order` too. */
  streamKeepMs: databaseSettings.streamKeepMs,
};
