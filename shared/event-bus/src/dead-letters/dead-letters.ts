import { deadLetterQueue } from '@warren/contracts';
import { type ChannelModel, connect } from 'amqplib';
import { amqpTargetOf } from '../amqp/amqp-target.ts';
import { explainConnectionFailure } from '../amqp/connection-failure.ts';
import { type DeadLetter, type DeadLetterFilter, matchesFilter, readDeadLetter } from './dead-letter.ts';
import { depthOf, type HeldMessage, QueueScan } from './queue-scan.ts';
import { ReplayLine } from './replay-line.ts';
import { ReplayPace } from './replay-pace.ts';

/** How far a run over one dead-letter queue has come. */
export interface DeadLetterProgress {
  /** Dead letters in the queue at the beginning. */
  total: number;
  /** Looked at so far, or put back in an earlier round of a replay. */
  seen: number;
  /** Of these, those that the filter chose. A replay has up to 100 of them still under way. */
  done: number;
}

export interface DeadLetterRun {
  /** @default every dead letter */
  filter?: DeadLetterFilter;
  /** The most dead letters to deal with. @default all that are there at the beginning */
  limit?: number;
  onProgress?(progress: DeadLetterProgress): void;
}

export interface ReplayRun extends DeadLetterRun {
  /** The most messages per second. @default as fast as the broker confirms */
  ratePerSecond?: number;
  /** After how long a round gives back what it holds, and another one begins, in milliseconds; below the broker's `consumer_timeout`. @default 30000 */
  roundMs?: number;
}

export interface DeadLettersOptions {
  /** `amqp://user:password@host:port/vhost` or `amqps://…`. */
  url: string;
  /** How long a message may take until its confirm, in milliseconds. @default 15000 */
  publishTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Looks at the dead letters of a queue, puts them back, or throws them away. Never loses one that it does not take, wherever it is
 * interrupted: they are held unacknowledged and return to their place. Others see those that are held only afterwards.
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

  /** How many dead letters a queue has that nobody holds. @throws `DEAD_LETTER_QUEUE_MISSING`, `BROKER_UNAVAILABLE` */
  count(queue: string): Promise<number> {
    return depthOf(this.#reading, deadLetterQueue(queue));
  }

  /** Shows each chosen dead letter to `see`, oldest first, and keeps none; all stay where they are. Returns how many. @throws as {@link count} */
  visit(queue: string, run: DeadLetterRun, see: (letter: DeadLetter) => void): Promise<number> {
    return this.#run(queue, run, { deal: (_, letter) => see(letter) });
  }

  /** The chosen dead letters, oldest first; all stay where they are. All are in memory at once: see {@link visit}. @throws as {@link count} */
  async list(queue: string, run: DeadLetterRun = {}): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    await this.visit(queue, run, (letter) => void letters.push(letter));
    return letters;
  }

  /** How many dead letters are chosen; all stay where they are. @throws as {@link count} */
  tally(queue: string, run: DeadLetterRun = {}): Promise<number> {
    return this.visit(queue, run, () => undefined);
  }

  /** Throws the chosen dead letters away for good. Returns how many. @throws as {@link count} */
  purge(queue: string, run: DeadLetterRun = {}): Promise<number> {
    return this.#run(queue, run, { deal: (held) => held.take() });
  }

  /**
   * Puts the chosen dead letters back into the queue that they failed in, and nowhere else: with their own headers, their attempts
   * counted anew, and a mark. Each is taken off the dead letters only when the broker has confirmed the copy, so a crash leaves at
   * worst both, which the inbox tells apart by their id. None is held for longer than about half a minute, however low the rate: see
   * {@link ReplayPace}. Returns how many.
   * @throws as {@link count}; `PUBLISH_RETURNED` when the queue is gone, `PUBLISH_NACKED`, `PUBLISH_UNKNOWN`. Stops at the first.
   */
  async replay(queue: string, { ratePerSecond, roundMs, ...run }: ReplayRun = {}): Promise<number> {
    const line = await ReplayLine.open(this.#publishing, queue, this.#publishTimeoutMs);
    try {
      return await this.#run(queue, run, {
        deal: (held, letter) => line.send(held, letter),
        finish: () => line.drained(),
        pace: new ReplayPace({ ratePerSecond, roundMs }),
      });
    } finally {
      await line.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#reading, this.#publishing].map((one) => one.close().catch(() => undefined)));
  }

  async #run(queue: string, run: DeadLetterRun, work: Work): Promise<number> {
    const total = await depthOf(this.#reading, deadLetterQueue(queue));
    const progress: DeadLetterProgress = { total, seen: 0, done: 0 };
    // What was taken is gone, and what has come since stands behind: so many of those from the beginning are left.
    while (await this.#round(queue, run, { work, progress })) await work.pace?.rest();
    return progress.done;
  }

  /** Goes through the queue once. True when the pace has ended it before the end. */
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
        if (chosen) await work.deal(held, letter);
        progress.seen += 1;
        if (chosen) progress.done += 1;
        onProgress?.(progress);
      }
    } finally {
      // Also after a failure: what is already confirmed must be taken off.
      await (work.finish?.() ?? Promise.resolve()).finally(() => scan.close());
    }
    return false;
  }
}

/** What is done with the chosen dead letters. */
interface Work {
  deal(held: HeldMessage, letter: DeadLetter): void | Promise<void>;
  /** Runs at the end of each round, before what was not taken goes back, also when `deal` has failed. */
  finish?(): Promise<void>;
  /** Only for work that takes what it deals with: nothing else would get on from round to round. */
  pace?: ReplayPace;
}

async function open(url: string): Promise<ChannelModel> {
  try {
    const model = await connect(amqpTargetOf(url), {
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: 'dead letters' },
    });
    // The channels tell of it: without a listener it would end the process.
    model.on('error', () => undefined);
    return model;
  } catch (error) {
    throw explainConnectionFailure(error as Error, url);
  }
}
