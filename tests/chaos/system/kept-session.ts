import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';

/** How long the broker may take to answer, in milliseconds. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** The pause before another try, in milliseconds. */
export const RETRY_MS = 200;
const CLOSE_TIMEOUT_MS = 3000;

/** A connection and its channel. */
export interface Session {
  model: ChannelModel;
  channel: ConfirmChannel;
  /** Resolves when either has closed. */
  lost: Promise<void>;
}

/** Work on a session that is replaced when it is lost. */
export interface Kept {
  /** Does the work until it succeeds: the broker is killed under this very run. @throws when closed */
  surely<Result>(work: (session: Session) => Promise<Result>, limitMs?: number): Promise<Result>;
  close(): Promise<void>;
}

/** Keeps one session open, even when it is not used. A session that does not answer is closed before the next one opens. */
export function keep(open: () => Promise<Session>): Kept {
  let session: Promise<Session> | undefined;
  let closed = false;

  function opened(): Promise<Session> {
    const own = open();
    const forget = () => {
      if (session === own) session = undefined;
    };
    void own.then(({ lost }) => lost).then(forget, forget);
    return own;
  }

  async function surely<Result>(
    work: (session: Session) => Promise<Result>,
    limitMs = ANSWER_TIMEOUT_MS,
  ): Promise<Result> {
    for (;;) {
      if (closed) throw new Error('the observer is closed');
      session ??= opened();
      const current = session;
      try {
        return await within(limitMs, current.then(work));
      } catch {
        if (session === current) session = undefined;
        await within(
          ANSWER_TIMEOUT_MS,
          current.then(({ model }) => end(model)),
        ).catch(() => undefined);
        await pause(RETRY_MS);
      }
    }
  }

  const keeper = setInterval(() => session ?? void surely(async () => undefined).catch(() => undefined), 500);
  return {
    surely,
    async close() {
      closed = true;
      clearInterval(keeper);
      await session?.then(({ model }) => model.close()).catch(() => undefined);
    },
  };
}

/**
 * Ends a session to whose consumer the broker delivers nothing although messages wait. Seen when the broker was stopped twice in a row; why is
 * not known. The consumers of the services have such a watchdog too.
 */
export function endUnserved(
  { model, channel, lost }: Session,
  { queue, delivered, everyMs = 2000 }: { queue: string; delivered(): number; everyMs?: number },
): void {
  let looking = false;
  let before = -1;
  const look = async () => {
    if (looking) return;
    looking = true;
    const now = delivered();
    const counted = await channel.checkQueue(queue).catch(() => undefined);
    looking = false;
    if (!counted) return;
    if (counted.consumerCount === 0 || (counted.messageCount > 0 && now === before)) await end(model);
    before = now;
  };
  const timer = setInterval(() => void look(), everyMs);
  void lost.then(() => clearInterval(timer));
}

/** Opens a connection with a channel. @throws when the broker does not answer or refuses */
export async function openSession(amqpUrl: string): Promise<Session> {
  const model = await connect(amqpUrl, { timeout: ANSWER_TIMEOUT_MS });
  model.on('error', () => undefined);
  try {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    // At once: the loss may come in the same read as the answer to the next request, when nobody else listens yet.
    const closed = new Promise((resolve) => {
      model.once('close', resolve);
      channel.once('close', resolve);
    });
    const lost = closed.then(() => end(model));
    return { model, channel, lost };
  } catch (error) {
    await model.close().catch(() => undefined);
    throw error;
  }
}

/** Closes a connection, or destroys its socket when the broker does not answer: amqplib would wait for ever, and the broker keep its messages. */
export async function end(model: ChannelModel, timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
  const close = async () => model.close();
  await within(timeoutMs, close()).catch(() => undefined);
  (model.connection as unknown as { stream: Socket }).stream.destroy();
}

/** @throws when the work takes longer */
export async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  const late = new AbortController();
  const limit = pause(timeoutMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
  limit.catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    late.abort();
  }
}
