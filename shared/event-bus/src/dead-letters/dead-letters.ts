import { deadLetterQueue } from '@warren/contracts';
import { type ChannelModel, connect } from 'amqplib';
import { amqpTargetOf } from '../amqp/amqp-target.ts';
import { explainConnectionFailure } from '../amqp/connection-failure.ts';
import { type DeadLetter, type DeadLetterFilter, matchesFilter, readDeadLetter } from './dead-letter.ts';
import type { HeldMessage } from './queue-page.ts';
import { depthOf, QueueScan } from './queue-scan.ts';
import { ReplayPace } from './replay-pace.ts';
import { Replayer } from './replayer.ts';

/** Progress of a run over one dead-letter queue. */
export interface DeadLetterProgress {
  /** Dead letters in the queue at the start. */
  total: number;
  /** Inspected so far, or put back in an earlier round of a replay. */
  seen: number;
  /** How many of these the filter selected. In a replay, up to 100 of them are still in flight. */
  done: number;
}

export interface DeadLetterRun {
  /** @default every dead letter */
  filter?: DeadLetterFilter;
  /** The most dead letters to process. @default all present at the start */
  limit?: number;
  onProgress?(progress: DeadLetterProgress): void;
}

export interface ReplayRun extends DeadLetterRun {
  /** The most messages per second. @default as fast as the broker confirms */
  ratePerSecond?: number;
  /**
   * After this long, in milliseconds, a round requeues the messages it holds and the next one starts; must be below the broker's
   * `consumer_timeout`. @default 30000
   */
  roundMs?: number;
}

export interface DeadLettersOptions {
  /** `amqp://user:password@host:port/vhost` or `amqps://…`. */
  url: string;
  /** How long a message may take to be confirmed, in milliseconds. @default 15000 */
  publishTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Inspects, replays or purges the dead letters of a queue. An interruption never loses a dead letter that was not taken: they are held
 * unacknowledged and return to their place. Other consumers do not see held messages until then.
 */
export class DeadLetters {
  readonly #reading: ChannelModel;
  readonly #publishing: ChannelModel;
  readonly #publishTimeoutMs: number;

  private constructor(reading: ChannelModel, publishing: ChannelModel, publishTimeoutMs: number) {
    this.#reading = reading;
    this.#publishing = publishing;
    this.#publishTimeoutMs = publishTimeoutMs;
  }

  /** @throws `BROKER_UNAVAILABLE`, `BROKER_REFUSED` */
  static async connect({ url, publishTimeoutMs = 15_000 }: DeadLettersOptions): Promise<DeadLetters> {
    const reading = await open(url);
    try {
      return new DeadLetters(reading, await open(url), publishTimeoutMs);
    } catch (error) {
      await reading.close();
      throw error;
    }
  }

  /** How many dead letters a queue has that no consumer holds. @throws `DEAD_LETTER_QUEUE_MISSING`, `BROKER_UNAVAILABLE` */
  count(queue: string): Promise<number> {
    return depthOf(this.#reading, deadLetterQueue(queue));
  }

  /**
   * Passes each selected dead letter to `onLetter`, oldest first, without keeping it in memory; all stay in the queue. Returns their number.
   * @throws as {@link count}
   */
  visit(queue: string, run: DeadLetterRun, onLetter: (letter: DeadLetter) => void): Promise<number> {
    return this.#run(queue, run, { process: (_, letter) => onLetter(letter) });
  }

  /**
   * Returns the selected dead letters, oldest first; all stay in the queue. Holds all of them in memory; see {@link visit}. @throws as
   * {@link count}
   */
  async list(queue: string, run: DeadLetterRun = {}): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    await this.visit(queue, run, (letter) => void letters.push(letter));
    return letters;
  }

  /** Returns the number of selected dead letters; all stay in the queue. @throws as {@link count} */
  tally(queue: string, run: DeadLetterRun = {}): Promise<number> {
    return this.visit(queue, run, () => undefined);
  }

  /** Deletes the selected dead letters for good. Returns their number. @throws as {@link count} */
  purge(queue: string, run: DeadLetterRun = {}): Promise<number> {
    return this.#run(queue, run, { process: (held) => held.take() });
  }

  /**
   * Puts the selected dead letters back into the queue where they failed, and nowhere else: with their own headers, a fresh attempt count,
   * and a replay mark. Each is removed from the dead letters only once the broker has confirmed the copy. A crash can therefore only leave
   * both, and the inbox recognises the duplicate by its id. None is held for longer than about half a minute, however low the rate: see
   * {@link ReplayPace}. Returns their number.
   * @throws as {@link count}; `PUBLISH_RETURNED` when the queue is gone, `PUBLISH_NACKED`, `PUBLISH_UNKNOWN`. Stops at the first failure.
   */
  async replay(queue: string, { ratePerSecond, roundMs, ...run }: ReplayRun = {}): Promise<number> {
    const replayer = await Replayer.open(this.#publishing, queue, this.#publishTimeoutMs);
    try {
      return await this.#run(queue, run, {
        process: (held, letter) => replayer.replay(held, letter),
        finish: () => replayer.drained(),
        pace: new ReplayPace({ ratePerSecond, roundMs }),
      });
    } finally {
      await replayer.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#reading, this.#publishing].map((one) => one.close().catch(() => undefined)));
  }

  async #run(queue: string, run: DeadLetterRun, work: Work): Promise<number> {
    const total = await depthOf(this.#reading, deadLetterQueue(queue));
    const progress: DeadLetterProgress = { total, seen: 0, done: 0 };
    // Taken messages are gone and new ones are at the end, so this many of the original messages remain.
    while (await this.#round(queue, run, { work, progress })) await work.pace?.rest();
    return progress.done;
  }

  /** Goes through the queue once. Returns true if the pace ended the round early. */
  async #round(
    queue: string,
    { filter = {}, limit = Number.POSITIVE_INFINITY, onProgress }: DeadLetterRun,
    { work, progress }: { work: Work; progress: DeadLetterProgress },
  ): Promise<boolean> {
    progress.seen = progress.done;
    const scan = await QueueScan.open(this.#reading, deadLetterQueue(queue), progress.total - progress.done);
    try {
      while (progress.done < limit) {
        const held = await scan.next();
        if (!held) break;
        const letter = readDeadLetter(queue, held);
        const chosen = matchesFilter(letter, filter);
        if (chosen && work.pace && !(await work.pace.turn())) return true;
        if (chosen) await work.process(held, letter);
        progress.seen += 1;
        if (chosen) progress.done += 1;
        onProgress?.(progress);
      }
    } finally {
      // Even after a failure: the originals of confirmed copies must be removed.
      await (work.finish?.() ?? Promise.resolve()).finally(() => scan.close());
    }
    return false;
  }
}

/** How a run processes the selected dead letters. */
interface Work {
  process(held: HeldMessage, letter: DeadLetter): void | Promise<void>;
  /** Called at the end of each round, before untaken messages go back, even if `process` has failed. */
  finish?(): Promise<void>;
  /** Only for work that takes what it processes: other work would make no progress from round to round. */
  pace?: ReplayPace;
}

async function open(url: string): Promise<ChannelModel> {
  try {
    const model = await connect(amqpTargetOf(url), {
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: 'dead letters' },
    });
    // The channels report it; without a listener it would end the process.
    model.on('error', () => undefined);
    return model;
  } catch (error) {
    throw explainConnectionFailure(error as Error, url);
  }
}
