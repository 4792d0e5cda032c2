import type { AppError } from '@warren/kernel';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { ConfirmWindow } from '../amqp/confirm-window.ts';
import type { BrokerOutcome } from '../broker.ts';
import { busErrors } from '../bus-errors.ts';
import { copyMessage } from '../copy-message.ts';
import { HEADERS, type Headers } from '../header-table.ts';
import { publishFailure } from '../publish/publish-failure.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { HeldMessage } from './queue-page.ts';

/** The most copies in flight: this many may be duplicated when the process dies. */
const MAX_IN_FLIGHT = 100;

/** Publishes copies of dead letters to one queue, in order, and takes each original once its copy is confirmed. */
export class Replayer {
  readonly #channel: ConfirmChannel;
  readonly #window: ConfirmWindow;
  readonly #queue: string;
  readonly #connection: ChannelModel;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #onBlocked = () => this.#window.pause(true);
  readonly #onUnblocked = () => this.#window.pause(false);
  #failure: AppError | undefined;

  private constructor(connection: ChannelModel, channel: ConfirmChannel, window: ConfirmWindow, queue: string) {
    this.#connection = connection;
    this.#channel = channel;
    this.#window = window;
    this.#queue = queue;
    connection.on('blocked', this.#onBlocked);
    connection.on('unblocked', this.#onUnblocked);
  }

  /** @throws `BROKER_UNAVAILABLE` */
  static async open(connection: ChannelModel, queue: string, timeoutMs: number): Promise<Replayer> {
    const window = new ConfirmWindow({ maxUnconfirmed: MAX_IN_FLIGHT, timeoutMs });
    try {
      const channel = await connection.createConfirmChannel();
      let reason = 'the channel was closed';
      channel.on('error', (error: Error) => {
        reason = error.message;
      });
      channel.on('close', () => window.detach(channel, reason));
      window.attach(channel);
      return new Replayer(connection, channel, window, queue);
    } catch (error) {
      throw busErrors.BROKER_UNAVAILABLE((error as Error).message, { cause: error });
    }
  }

  /** Resolves when there is room for the next one. @throws the first earlier failure */
  async replay(held: HeldMessage, letter: DeadLetter): Promise<void> {
    this.#requireGoing();
    const moving: Promise<void> = this.#move(held, letter).finally(() => this.#inFlight.delete(moving));
    this.#inFlight.add(moving);
    if (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight);
  }

  /** Resolves when nothing is in flight. @throws the first failure */
  async drained(): Promise<void> {
    await Promise.all(this.#inFlight);
    this.#requireGoing();
  }

  async close(): Promise<void> {
    this.#window.close();
    this.#connection.off('blocked', this.#onBlocked);
    this.#connection.off('unblocked', this.#onUnblocked);
    // A channel that is already gone needs no closing.
    await this.#channel.close().catch(() => undefined);
  }

  async #move(held: HeldMessage, letter: DeadLetter): Promise<void> {
    const headers = replayHeaders(letter, new Date());
    const message = copyMessage(held, { exchange: '', routingKey: this.#queue, headers });
    const outcome = await new Promise<BrokerOutcome>((settle) => {
      this.#window.add({ message, deadline: 0, returned: undefined, bestEffort: false, settle });
    });
    try {
      if (outcome.status === 'confirmed') held.take();
      else this.#failure ??= publishFailure(this.#queue, outcome);
    } catch (error) {
      this.#failure ??= error as AppError;
    }
  }

  #requireGoing(): void {
    if (this.#failure) throw this.#failure;
  }
}

/** The publisher's own headers, the original address, and the replay mark. */
export function replayHeaders({ headers, exchange, routingKey, replays }: DeadLetter, now: Date): Headers {
  return {
    ...headers,
    ...(exchange === undefined ? {} : { [HEADERS.originalExchange]: exchange }),
    ...(routingKey === undefined ? {} : { [HEADERS.originalRoutingKey]: routingKey }),
    [HEADERS.replays]: replays + 1,
    [HEADERS.replayedAt]: now.toISOString(),
  };
}
