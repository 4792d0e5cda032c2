import type { AlertKind, Alerts, AppError, Logger } from '@warren/kernel';
import type { Channel, ChannelModel } from 'amqplib';
import type { AmqpLink } from './amqp-link.ts';
import { explainDeclareFailure } from './connection-failure.ts';

export interface ChannelKeeperOptions<Kept extends Channel> {
  link: AmqpLink;
  /** For the log: `publish`, or the queue's name. */
  name: string;
  logger: Logger;
  /** Raised for `name` while the connection is up but no channel can be opened. @default only the first failure is logged */
  alert?: { kind: AlertKind; alerts: Alerts } | undefined;
  create(model: ChannelModel): Promise<Kept>;
  /** Makes a new channel usable. If it throws, the channel is discarded and another one is tried later. */
  setUp(channel: Kept, model: ChannelModel): Promise<void>;
  /** Called when the channel is usable. Not called if the channel ended during setup. */
  onOpened?(channel: Kept): void;
  /** Called once for each created channel when it ends, along with everything in flight on it. */
  onLost(channel: Kept, reason: string): void;
  /** Called for every failed attempt to open a channel. */
  onFailure?(error: AppError): void;
}

/** State of one channel: the broker's error, and the close reason once it is closed. */
interface ChannelState {
  error?: Error;
  reason?: string;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;
const CLOSE_TIMEOUT_MS = 3000;

/**
 * Keeps one channel open: on every new connection, and when the broker closes only the channel (an unknown delivery tag, a consumer that
 * took too long, a deleted exchange).
 */
export class ChannelKeeper<Kept extends Channel> {
  readonly #options: ChannelKeeperOptions<Kept>;
  readonly #setup = (model: ChannelModel) => this.#open(model);
  #channel: Kept | undefined;
  #delayMs = FIRST_DELAY_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #replacing = false;
  /** Why the last attempt failed; undefined after a success. */
  failure: AppError | undefined;

  constructor(options: ChannelKeeperOptions<Kept>) {
    this.#options = options;
  }

  /** The channel, if it is usable. */
  get channel(): Kept | undefined {
    return this.#channel;
  }

  /** Resolves after the first attempt on the current connection; at once when there is none. */
  start(): Promise<void> {
    return this.#options.link.add(this.#setup);
  }

  /** Replaces a channel that is no longer useful although the broker has not closed it. The new one opens after a pause. */
  async replace(afterMs = FIRST_DELAY_MS): Promise<void> {
    this.#delayMs = afterMs;
    this.#replacing = true;
    await this.#end(this.#channel, this.#options.link.model);
    this.#replacing = false;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#clearAlert();
    this.#options.link.remove(this.#setup);
    await this.#end(this.#channel, this.#options.link.model);
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
      if (this.#closed) return void this.#end(channel, model);
      this.#channel = channel;
      this.#delayMs = FIRST_DELAY_MS;
      this.failure = undefined;
      this.#clearAlert();
      this.#options.onOpened?.(channel);
    } catch (error) {
      // A pending request on a closed channel learns only that no answer comes; the channel has the reason.
      if (this.#options.link.model === model) this.#openFailed(state.error ?? error, model);
      void this.#end(channel, model);
    }
  }

  /**
   * Closes a channel. When the broker closes it for an error at the same moment, our request may never be answered: the process that would have
   * answered has ended (seen with RabbitMQ 3.10). amqplib then waits for ever, so the connection is dropped, which ends every request on it.
   */
  async #end(channel: Kept | undefined, model: ChannelModel | undefined): Promise<void> {
    if (!channel) return;
    const { link, name } = this.#options;
    const timer = setTimeout(
      () => link.drop(model, `the broker did not answer the close of the channel "${name}"`),
      CLOSE_TIMEOUT_MS,
    );
    const ended = new Promise((resolve) => channel.once('close', resolve));
    // Rejects when the channel is already closed; is not answered when the connection is lost.
    await Promise.race([ended, channel.close().catch(() => undefined)]);
    clearTimeout(timer);
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
    logger[isNews ? 'error' : 'debug']({ channel: name, code, reason }, 'cannot open the channel: will retry');
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
