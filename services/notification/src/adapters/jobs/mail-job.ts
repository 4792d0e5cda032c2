import { type Component, createSharedRead, Gauge, type Logger, type MetricsRegistry, toAppError } from '@warren/kernel';
import type { MailQueue } from '../../application/mail-queue.ts';
import type { Notifications } from '../../application/notifications.ts';
import type { SendReport } from '../../application/send-mails.ts';

export interface MailJobOptions {
  notifications: Pick<Notifications, 'sendMails'>;
  queue: Pick<MailQueue, 'backlog'>;
  /** Aborted by `stop`; the application stops with it. */
  stopping: AbortController;
  /** How long it rests after the mail server could not be used, in milliseconds; twice as long each time, up to 30 s. */
  retryBaseMs: number;
  logger: Logger;
  metrics: MetricsRegistry;
}

/** The most mails that are claimed at once. */
const BATCH = 100;
/** Between two looks that find nothing, in milliseconds. */
const LOOK_MS = 200;
const MAX_REST_MS = 30_000;

export interface MailJob extends Component {
  /** Something may be due: looks at once, unless it rests. */
  wake(): void;
}

/**
 * Sends what is due, looking at what is stored again and again; any number of instances may run it. While the mail server cannot be used it
 * rests and is not up: mails wait in the database, and everything else goes on.
 */
export function createMailJob(options: MailJobOptions): MailJob {
  const { notifications, queue, stopping, retryBaseMs, logger, metrics } = options;
  const { signal } = stopping;
  let running: Promise<void> | undefined;
  let failure: string | undefined;
  let rests = 0;
  let wake: () => void = () => undefined;
  addGauges({ queue, logger, metrics, isUp: () => failure === undefined });

  function note(server: SendReport['server']): void {
    if (server.status === 'unasked') return;
    const before = failure;
    failure = server.status === 'away' ? server.failure : undefined;
    rests = failure === undefined ? 0 : rests + 1;
    if (before === undefined && failure !== undefined)
      logger.warn({ failure }, 'the mail server cannot be used: mails wait');
    if (before !== undefined && failure === undefined) logger.info('the mail server can be used again');
  }

  /** Gives how long to wait before the next look, and whether that may be cut short. */
  async function look(): Promise<{ pauseMs: number; wakeable: boolean }> {
    try {
      const { found, server } = await notifications.sendMails(BATCH);
      note(server);
      if (server.status === 'away')
        return { pauseMs: Math.min(retryBaseMs * 2 ** (rests - 1), MAX_REST_MS), wakeable: false };
      return { pauseMs: found === BATCH ? 0 : LOOK_MS, wakeable: true };
    } catch (err) {
      // The database is a component of its own: when it is away, readiness says so already.
      const level = toAppError(err).kind === 'transient' ? 'debug' : 'error';
      logger[level]({ err }, 'the mails that are due cannot be dealt with right now');
      return { pauseMs: LOOK_MS, wakeable: false };
    }
  }

  function rest({ pauseMs, wakeable }: { pauseMs: number; wakeable: boolean }): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, pauseMs);
      wake = wakeable ? end : () => undefined;
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }

  async function run(): Promise<void> {
    while (!signal.aborted) await rest(await look());
  }

  return {
    name: 'mails',
    wake: () => wake(),
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    health: () => (failure === undefined ? { up: true } : { up: false, reason: failure }),
  };
}

interface GaugeOptions extends Pick<MailJobOptions, 'queue' | 'logger' | 'metrics'> {
  isUp(): boolean;
}

function addGauges({ queue, logger, metrics, isUp }: GaugeOptions): void {
  const registers = [metrics];
  const read = createSharedRead(() => queue.backlog());
  new Gauge({
    name: 'warren_notification_mail_server_up',
    help: '0 while the mail server cannot be used',
    registers,
    collect() {
      this.set(isUp() ? 1 : 0);
    },
  });
  const waiting = new Gauge({
    name: 'warren_notification_mails_waiting',
    help: 'Mails that have not come to their end',
    registers,
    async collect() {
      const backlog = await read().catch((err) => {
        logger.debug({ err }, 'the mails that wait cannot be counted right now');
        return undefined;
      });
      // Better no figure than an old one.
      if (backlog === undefined) {
        waiting.reset();
        overdue.reset();
        return;
      }
      waiting.set(backlog.mails);
      overdue.set(backlog.dueForMs / 1000);
    },
  });
  const overdue = new Gauge({
    name: 'warren_notification_mail_overdue_seconds',
    help: 'For how long a mail has been due that is not sent',
    registers,
  });
}
