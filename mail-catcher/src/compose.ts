import { createHttpApp, createHttpServer } from '@warren/http';
import { createLifecycle, createLogger, createMetricsRegistry, type Logger, type Service } from '@warren/kernel';
import type { MailCatcherSettings } from './config.ts';
import { createMailRoutes } from './mail-routes.ts';
import { createMailbox } from './mailbox.ts';
import { createSmtpCatcher } from './smtp-catcher.ts';

const NAME = 'mail-catcher';
/** How many of the latest mails are kept. */
const MAX_MAILS = 500;

export interface MailCatcher extends Service {
  /** Port of the page, once started. */
  readonly port: number;
  /** SMTP port, once started. */
  readonly smtpPort: number;
}

/** Creates the mail catcher, a development tool that shows the mails that would have been sent. It listens on 127.0.0.1 only. */
export function composeMailCatcher(
  settings: MailCatcherSettings,
  logger: Logger = createLogger({ service: NAME, level: settings.logLevel }),
): MailCatcher {
  const metrics = createMetricsRegistry(NAME);
  const mailbox = createMailbox(MAX_MAILS);
  const app = createHttpApp({
    routes: createMailRoutes(mailbox),
    readiness: () => lifecycle.readiness(),
    metrics,
    logger,
  });
  const http = createHttpServer({ app, port: settings.port, host: '127.0.0.1', logger });
  const smtp = createSmtpCatcher({ mailbox, port: settings.smtpPort, logger });
  const { drainTimeoutMs, shutdownDelayMs } = settings;
  const lifecycle = createLifecycle([smtp, http], { logger, drainTimeoutMs, shutdownDelayMs });
  return {
    lifecycle,
    logger,
    get port() {
      return http.port;
    },
    get smtpPort() {
      return smtp.port;
    },
  };
}
