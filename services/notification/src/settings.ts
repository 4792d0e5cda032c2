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
    doc: 'Whom the mails come from: an address, or a name and an address in angle brackets.',
    format: (text: string) => {
      parseSenderAddress(text);
      return text;
    },
    default: 'Warren <no-reply@localhost>',
  }),
  mailHoldMs: setting({
    env: 'MAIL_HOLD_MS',
    doc: 'How long the mail about a confirmed order is held back, in milliseconds; cancelled or shipped meanwhile, the order gets the mail about that alone.',
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
    doc: 'How long a mail is tried that the mail server puts off again and again, in milliseconds. A mail server that is away does not count.',
    format: formats.integer(0, 2_592_000_000),
    default: 259_200_000,
  }),
  /** Of the kit, for mails as well. */
  retryBaseMs: busSettings.retryBaseMs,
  /** Of the kit, for what is known of orders as well. */
  streamKeepMs: databaseSettings.streamKeepMs,
};
