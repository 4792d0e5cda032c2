import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppError, Logger } from '@warren/kernel';
import { type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { amqpTargetOf } from './amqp-target.ts';
import { askWhyRefused } from './ask-why-refused.ts';
import { explainConnectionFailure, explainConnectionLoss, isVhostRefusal, shownUrl } from './connection-failure.ts';

export interface AmqpLinkOptions {
  url: string;
  /** Shown in the management UI as the connection's name. */
  name: string;
  heartbeatSeconds: number;
  logger: Logger;
  /** Called with every failed attempt to connect. */
  onFailure?(error: AppError): void;
  /** Called with every connection, once it has been set up. */
  onConnected?(): void;
  /** Called when the broker stops (with its reason) and resumes (without one) reading what we publish. */
  onBlocked?(reason: string | undefined): void;
}

/** What is opened on a fresh connection: a channel with what belongs to it. Must not reject. */
export type LinkSetup = (model: ChannelModel) => Promise<void>;

const CONNECT_TIMEOUT_MS = 10_000;
/** How often the broker is asked why it refuses the virtual host, at most. */
const ASK_WHY_MS = 30_000;
const CLOSE_TIMEOUT_MS = 3000;
const RECOVERY = { initialDelay: 100, maxDelay: 5000, factor: 2, jitter: 0.2 };

/**
 * One connection that comes back. `amqplib` reconnects; everything on the connection is built again by the setups.
 *
 * | state | means | next |
 * |---|---|---|
 * | `connecting` | never connected, or lost; tries again with backoff | `connected`, `closed` |
 * | `connected` | the socket stands and the setups have run | `connecting`, `blocked`, `closed` |
 * | `blocked` | as `connected`, but the broker reads nothing that we publish: an alarm | `connected`, `connecting`, `closed` |
 * | `closed` | for good | – |
 */
export class AmqpLink {
  readonly #options: AmqpLinkOptions;
  readonly #setups = new Set<LinkSetup>();
  #opening: Promise<RecoveringChannelModel> | undefined;
  #model: ChannelModel | undefined;
  #connected = false;
  #closed = false;
  #blockedBecause: string | undefined;
  /** What the broker says of the virtual host that it refuses, and when (of `performance.now()`) it was asked. */
  #refusal: { words: string | undefined; askedAt: number } | undefined;
  /** Why there is no connection: how it was lost, or why the last attempt failed. */
  failure: AppError | undefined;
  /** Since when it is as `state` says, ISO 8601. */
  since = new Date().toISOString();

  constructor(options: AmqpLinkOptions) {
    this.#options = options;
  }

  get state(): 'connecting' | 'connected' | 'blocked' | 'closed' {
    if (this.#closed) return 'closed';
    if (!this.#connected) return 'connecting';
    return this.#blockedBecause === undefined ? 'connected' : 'blocked';
  }

  /** The broker's reason while it is blocked. */
  get blockedBecause(): string | undefined {
    return this.#blockedBecause;
  }

  /** The connection of this moment, also while its setups run. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  open(): void {
    if (this.#closed || this.#opening) return;
    const { url, name, heartbeatSeconds, logger } = this.#options;
    const setup = (model: ChannelModel) => this.#setUp(model);
    this.#opening = connect(amqpTargetOf(url, { heartbeatSeconds }), {
      recovery: { ...RECOVERY, setup, waitForConnect: false },
      noDelay: true,
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: name },
    });
    void this.#opening.then((recovering) => {
      recovering.on('error', (error) => logger.debug({ err: error, connection: name }, 'connection error'));
      recovering.on('connect-failed', (error) => void this.#connectFailed(error));
      recovering.on('connect', () => this.#up());
    });
  }

  /** Runs the setup on every connection from now on, and at once on the present one. */
  async add(setup: LinkSetup): Promise<void> {
    this.#setups.add(setup);
    if (this.#model) await setup(this.#model);
  }

  remove(setup: LinkSetup): void {
    this.#setups.delete(setup);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A peer that is gone without a word never answers the closing handshake.
    const late = new AbortController();
    const closing = this.#opening?.then((recovering) => this.#end(recovering));
    const timeout = pause(CLOSE_TIMEOUT_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([closing, timeout]);
    late.abort();
    // With an error, or amqplib would not notice: its heartbeat timers would keep the process alive.
    if (this.#model) internals(this.#model).stream.destroy(new Error('closed without an answer'));
  }

  /**
   * amqplib closes a connection that comes up after it was told to stop, but listens to no error of it meanwhile, and Node.js throws what
   * nobody listens to. So what is about to come up comes to the setup first.
   */
  async #end(recovering: RecoveringChannelModel): Promise<void> {
    if (isConnecting(recovering) && !this.#model) {
      await new Promise((resolve) => recovering.once('connect-failed', resolve));
    }
    await recovering.close();
  }

  async #setUp(model: ChannelModel): Promise<void> {
    let lost: Error | undefined;
    model.on('error', () => undefined);
    model.on('blocked', (reason) => this.#blocked(reason));
    model.on('unblocked', () => this.#unblocked());
    model.on('close', (error) => {
      lost = error ?? new Error('the connection was closed');
      this.#down(model, lost);
    });
    requireSupported(model);
    this.#model = model;
    if (this.#closed) throw new Error('closed while connecting');
    await Promise.all([...this.#setups].map((setup) => setup(model)));
    // amqplib listens to a connection only after its setup: one that has died by then would never be missed.
    if (lost) throw lost;
  }

  #up(): void {
    this.#connected = true;
    this.failure = undefined;
    this.#refusal = undefined;
    this.since = new Date().toISOString();
    const { logger, name, url, onConnected } = this.#options;
    logger.info({ connection: name, broker: shownUrl(url) }, 'connected');
    onConnected?.();
  }

  #down(model: ChannelModel, error: Error): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    if (this.#blockedBecause !== undefined) this.#unblocked();
    if (!this.#connected) return;
    this.#connected = false;
    if (this.#closed) return;
    const { logger, name, url } = this.#options;
    this.since = new Date().toISOString();
    this.failure = explainConnectionLoss(error, url);
    logger.warn({ connection: name, reason: this.failure.message }, 'connection lost');
  }

  async #connectFailed(error: Error): Promise<void> {
    const { url, logger, name, onFailure } = this.#options;
    this.failure = explainConnectionFailure(error, url, this.#refusal?.words);
    if (this.#closed) return;
    if (isVhostRefusal(error)) {
      await this.#askWhy();
      if (this.#closed || this.#connected) return;
      this.failure = explainConnectionFailure(error, url, this.#refusal?.words);
    } else this.#refusal = undefined;
    logger.debug({ connection: name, code: this.failure.code, reason: this.failure.message }, 'cannot connect');
    onFailure?.(this.failure);
  }

  /** Not with every attempt: each is an error in the broker's log. */
  async #askWhy(): Promise<void> {
    const now = performance.now();
    if (this.#refusal && now - this.#refusal.askedAt < ASK_WHY_MS) return;
    this.#refusal = { words: this.#refusal?.words, askedAt: now };
    this.#refusal.words = await askWhyRefused(this.#options.url);
  }

  #blocked(reason: string): void {
    this.#blockedBecause = reason;
    this.since = new Date().toISOString();
    this.#options.onBlocked?.(reason);
  }

  #unblocked(): void {
    this.#blockedBecause = undefined;
    this.since = new Date().toISOString();
    this.#options.onBlocked?.(undefined);
  }
}

/** What `amqplib` has but does not type. */
export function internals(model: ChannelModel): { stream: Duplex; frameMax: number } {
  return model.connection as unknown as { stream: Duplex; frameMax: number };
}

/** Whether it is between the first byte and the end of its setup. */
function isConnecting(recovering: RecoveringChannelModel): boolean {
  return (recovering as unknown as { _core?: { _connecting?: boolean } })._core?._connecting === true;
}

function requireSupported(model: ChannelModel): void {
  const { version } = model.connection.serverProperties;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && minor >= 10)) return;
  throw busErrors.BROKER_UNSUPPORTED(`RabbitMQ ${version} is too old: 3.10 or newer is needed`);
}
