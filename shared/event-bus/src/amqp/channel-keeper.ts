import type { AlertKind, Alerts, AppError, Logger } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpLink } from './amqp-link.ts';
import { explainDeclareFailure } from './connection-failure.ts';

export interface ChannelKeeperOptions<Kept extends Channel> {
  link: AmqpLink;
  /** For the log: `publish`, or the queue's name. */
  name: string;
  logger: Logger;
  /** Raised for `name` as long as no channel can be opened though the connection stands. @default nothing but the log's first line */
  alert?: { kind: AlertKind; alerts: Alerts } | undefined;
  create(model: ChannelModel): Promise<Kept>;
  /** Makes a fresh channel usable; a throw gives it up, and another one is tried later. */
  setUp(channel: Kept, model: ChannelModel): Promise<void>;
  /** The channel is usable: what waits for one may use it. Not called for one that has died in its setup. */
  onOpened?(channel: Kept): void;
  /** A channel is gone, with all that was in flight on it. Called once for each that was created. */
  onLost(channel: Kept, reason: string): void;
  /** Called with every failed attempt to open one. */
  onFailure?(error: AppError): void;
}

/** Of one channel: the broker's error, and why it is closed once it is. */
interface ChannelState {
  error?: Error;
  reason?: string;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

/**
 * Keeps one channel open: on every new connection, and also when the broker closes the channel alone (an unknown delivery tag, a
 * consumer that took too long, a deleted exchange) while its connection lives on.
 */
export class ChannelKeeper<Kept extends Channel> {
  readonly #options: ChannelKeeperOptions<Kept>;
  readonly #setup = (model: ChannelModel) => this.#open(model);
  #channel: Kept | undefined;
  #delayMs = FIRST_DELAY_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #replacing = false;
  /** Why the last attempt failed, until one succeeds. */
  failure: AppError | undefined;

  constructor(options: ChannelKeeperOptions<Kept>) {
    this.#options = options;
  }

  /** The channel, when it is usable. */
  get channel(): Kept | undefined {
    return this.#channel;
  }

  /** Resolves after the first attempt on the present connection; at once when there is none. */
  start(): Promise<void> {
    return this.#options.link.add(this.#setup);
  }

  /** Replaces the channel after a pause, because it is of no use any more though the broker has not closed it. */
  async replace(afterMs = FIRST_DELAY_MS): Promise<void> {
    this.#delayMs = afterMs;
    this.#replacing = true;
    await this.#channel?.close().catch(() => undefined);
    this.#replacing = false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#clearAlert();
    this.#options.link.remove(this.#setup);
    await this.#channel?.close().catch(() => undefined);
  }

  async #open(model: ChannelModel): Promise<void> {
    clearTimeout(this.#timer);
    const { create, setUp } = this.#options;
    let channel: Kept | undefined;
    let state: ChannelState = {};
    try {
      channel = await create(model);
      state = this.#watch(channel, model);
      await setUp(channel, model);
      if (state.reason !== undefined) throw new Error(state.reason);
      if (this.#closed) return void channel.close().catch(() => undefined);
      this.#channel = channel;
      this.#delayMs = FIRST_DELAY_MS;
      this.failure = undefined;
      this.#clearAlert();
      this.#options.onOpened?.(channel);
    } catch (error) {
      // What waits for an answer on a channel that is closed learns only that none comes; the channel has the reason.
      if (this.#options.link.model === model) this.#openFailed(state.error ?? error, model);
      // Not waited for: a connection that is lost before the answer never gives one, and would wait for this setup for ever.
      void channel?.close().catch(() => undefined);
    }
  }

  #watch(channel: Kept, model: ChannelModel): ChannelState {
    const state: ChannelState = {};
    channel.on('error', (err) => {
      state.error = err;
    });
    channel.on('close', () => {
      state.reason = state.error?.message ?? 'the channel was closed';
      this.#options.onLost(channel, state.reason);
      if (this.#channel === channel) this.#lost(model, state.reason);
    });
    return state;
  }

  #lost(model: ChannelModel, reason: string): void {
    this.#channel = undefined;
    const { logger, name, link } = this.#options;
    if (this.#closed || link.state === 'closed') return;
    const hint = /timeout|timed out/i.test(reason) ? 'a message was held longer than the consumer timeout' : undefined;
    if (!this.#replacing) logger.warn({ channel: name, reason, hint }, 'channel lost');
    this.#openLater(model);
  }

  #openFailed(error: unknown, model: ChannelModel): void {
    const known = this.failure;
    this.failure = explainDeclareFailure(error);
    const { code, message: reason } = this.failure;
    const { logger, name, link, onFailure, alert } = this.#options;
    if (this.#closed || link.state === 'closed') return;
    const isNews = known?.code !== code || known.message !== reason;
    logger[isNews ? 'error' : 'debug']({ channel: name, code, reason }, 'cannot open the channel: it is tried again');
    alert?.alerts.raise(alert.kind, { subject: name, reason });
    onFailure?.(this.failure);
    this.#openLater(model);
  }

  #clearAlert(): void {
    const { alert, name } = this.#options;
    alert?.alerts.clear(alert.kind, name);
  }

  #openLater(model: ChannelModel): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#options.link.model === model && !this.#closed) void this.#open(model);
    }, this.#delayMs);
    this.#delayMs = Math.min(Math.max(this.#delayMs * 2, FIRST_DELAY_MS), LONGEST_DELAY_MS);
  }
}
