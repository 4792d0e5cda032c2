import { formats, processSettings, type Settings, setting } from '@warren/kernel';

/** The settings of the mail catcher, from the environment. */
export const mailCatcherSettings = {
  port: setting({
    env: 'MAIL_CATCHER_PORT',
    doc: 'Port of the page, on loopback; 0 takes a free one.',
    format: formats.port,
    default: 8025,
  }),
  smtpPort: setting({
    env: 'MAIL_CATCHER_SMTP_PORT',
    doc: 'Port on which it takes mails, on loopback; 0 takes a free one.',
    format: formats.port,
    default: 1025,
  }),
  ...processSettings,
};

export type MailCatcherSettings = Settings<typeof mailCatcherSettings>;
