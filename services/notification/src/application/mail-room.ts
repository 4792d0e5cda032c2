import type { ComponentHealth } from '@warren/kernel';
import { defineJob, type Rest } from '@warren/service';
import { mail } from '../domain/mail.ts';
import { type SendReport, sendMails } from './send-mails.ts';
import type { Sending } from './sending.ts';

/** The maximum number of mails claimed at once. */
const BATCH = 100;
/** Between two queries that find nothing, in milliseconds. */
const LOOK_MS = 200;
const MAX_REST_MS = 30_000;

/** Sends mails and tracks whether the mail server can be used. */
export interface MailRoom {
  /** Sends due mails. While the mail server cannot be used, the rest afterwards doubles each time, up to 30 s, and nothing cuts it short. */
  send(stopping: AbortSignal): Promise<Rest | undefined>;
  /** Down while the mail server cannot be used: mails wait in the database, and everything else continues. */
  condition(): ComponentHealth;
}

export function createMailRoom(sending: Sending): MailRoom {
  const { logger, pace } = sending;
  let failure: string | undefined;
  let rests = 0;

  function note(server: SendReport['server']): void {
    if (server.status === 'unasked') return;
    const before = failure;
    failure = server.status === 'away' ? server.failure : undefined;
    rests = failure === undefined ? 0 : rests + 1;
    if (before === undefined && failure !== undefined)
      logger.warn({ failure }, 'the mail server cannot be used: mails wait');
    if (before !== undefined && failure === undefined) logger.info('the mail server can be used again');
  }

  return {
    async send(stopping) {
      const { found, server } = await sendMails(sending, { limit: BATCH, stopping });
      note(server);
      if (server.status === 'away')
        return { restMs: Math.min(pace.retryBaseMs * 2 ** (rests - 1), MAX_REST_MS), wakeable: false };
      return found === BATCH ? { restMs: 0 } : undefined;
    },
    condition: () => (failure === undefined ? { up: true } : { up: false, reason: failure }),
  };
}

/** Polls the database and sends due mails; any number of instances may run it. */
export const mailJob = defineJob({
  name: 'mails',
  everyMs: LOOK_MS,
  wakenBy: mail,
  run: ({ mailRoom }: { mailRoom: MailRoom }, { signal }) => mailRoom.send(signal),
  health: ({ mailRoom }) => mailRoom.condition(),
});
