import type { SocketConstructorOpts } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppError, Logger } from '@warren/kernel';
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib';
import { busErrors } from '../bus-errors.ts';
import { amqpTargetOf } from './amqp-target.ts';
import { askWhyRefused } from './ask-why-refused.ts';
import { explainConnectionFailure, explainConnectionLoss, isVhostRefusal, redactedUrl } from './connection-failure.ts';
import { joinWrites } from './join-writes.ts';
import { socketOf } from './socket-of.ts';

export interface AmqpLinkOptions {
  url: string;
  /** Shown in the management UI as the connection's name. */
  name: string;
  heartbeatSeconds: number;
  logger: Logger;
  /** Called for every failed attempt to connect. */
  onFailure?(error: AppError): void;
  /** Called for every connection, once it has been set up. */
  onConnected?(): void;
  /** Called when the broker stops reading what we publish (with its reason) and when it resumes (without one). */
  onBlocked?(reason: string | undefined): void;
}

/** Sets up a new connection: opens a channel and everything on it. Must not reject. */
export type LinkSetup = (model: ChannelModel) => Promise<void>;

const CONNECT_TIMEOUT_MS = 10_000;
/** How often, at most, the broker is asked why it refuses the virtual host. */
const ASK_WHY_MS = 30_000;
const CLOSE_TIMEOUT_MS = 3000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 4000;

/**
 * One connection that reconnects. The setups rebuild everything on it.
 *
 * | state | means | next |
 * |---|---|---|
 * | `connecting` | never connected, or lost; retries with backoff | `connected`, `closed` |
 * | `connected` | the socket is open and the setups have run | `connecting`, `blocked`, `closed` |
 * | `blocked` | as `connected`, but the broker does not read what we publish: an alarm | `connected`, `connecting`, `closed` |
 * | `closed` | for good | – |
 */
export class AmqpLink {
  readonly #options: AmqpLinkOptions;
  readonly #setups = new Set<LinkSetup>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** Destroys the socket of the current connection or attempt. */
  #socket = new AbortController();
  #model: ChannelModel | undefined;
  #connected = false;
  #closed = false;
  #blockedBecause: string | undefined;
  /** The broker's reason for refusing the virtual host, and when it was asked (a `performance.now()` time). */
  #refusal: { reason: string | undefined; askedAt: number } | undefined;
  /** Why there is no connection: how it was lost, or why the last attempt failed. */
  failure: AppError | undefined;
  /** Since when the link has this `state`, ISO 8601. */
  since = new Date().toISOString();

  constructor(options: AmqpLinkOptions) {
    this.#options = options;
  }

  get state(): 'connecting' | 'connected' | 'blocked' | 'closed' {
    if (this.#closed) return 'closed';
    if (!this.#connected) return 'connecting';
    return this.#blockedBecause === undefined ? 'connected' : 'blocked';
  }

  /** The broker's reason while the connection is blocked. */
  get blockedBecause(): string | undefined {
    return this.#blockedBecause;
  }

  /** The current connection, even while its setups run. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** @throws `CONFIG_INVALID` when a part of the URL cannot be decoded */
  open(): void {
    if (this.#closed) return;
    const { url, heartbeatSeconds } = this.#options;
    this.#running ??= this.#run(amqpTargetOf(url, { heartbeatSeconds }));
  }

  /** Runs the setup on every future connection, and at once on the current one. */
  async add(setup: LinkSetup): Promise<void> {
    this.#setups.add(setup);
    if (this.#model) await setup(this.#model);
  }

  remove(setup: LinkSetup): void {
    this.#setups.delete(setup);
  }

  /** Destroys the socket of a connection that does not answer; another one is opened. Does nothing if it is no longer the current one. */
  drop(model: ChannelModel | undefined, reason: string): void {
    if (model && model === this.#model) this.#socket.abort(new Error(reason));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopping.abort();
    await this.#end(this.#running);
  }

  /** Connects, and reconnects after each lost connection or failed attempt, until the link is closed. */
  async #run(target: Options.Connect): Promise<void> {
    let tries = 0;
    while (!this.#closed) {
      try {
        const { over } = await this.#connect(target);
        tries = 0;
        await over;
      } catch (error) {
        void this.#connectFailed(error as Error);
      }
      tries += 1;
      // Rejects when the link is closed meanwhile.
      await pause(pauseMsAfter(tries), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  /** Resolves when a connection has been set up; `over` resolves when it is lost. @throws when the connection fails */
  async #connect(target: Options.Connect): Promise<{ over: Promise<Error> }> {
    this.#socket = new AbortController();
    const options: SocketOptions & SocketConstructorOpts = {
      noDelay: true,
      timeout: CONNECT_TIMEOUT_MS,
      clientProperties: { connection_name: this.#options.name },
      signal: this.#socket.signal,
    };
    const model = await connect(target, options);
    this.#model = model;
    const over = this.#watch(model);
    try {
      requireSupported(model);
      joinWrites(model);
      if (this.#closed) throw new Error('closed while connecting');
      await Promise.all([...this.#setups].map((setup) => setup(model)));
      if (this.#model !== model) throw await over;
      this.#up();
      return { over };
    } catch (error) {
      await this.#end(over);
      throw error;
    }
  }

  /** Resolves with the reason when the connection is lost. */
  #watch(model: ChannelModel): Promise<Error> {
    const { logger, name } = this.#options;
    model.on('error', (error) => logger.debug({ err: error, connection: name }, 'connection error'));
    model.on('blocked', (reason) => this.#blocked(reason));
    model.on('unblocked', () => this.#unblocked());
    return new Promise((resolve) => {
      const onClose = (error = new Error('the connection was closed')) => {
        this.#down(model, error);
        resolve(error);
      };
      model.on('close', onClose);
      // Closed by the broker in the same read as it was opened: amqplib has emitted `close` before anybody could listen.
      if (socketOf(model).writableEnded) onClose();
    });
  }

  /**
   * Closes the connection, if there is one, and waits for `over`, but at most 3 s: a peer that vanished never answers. Then destroys the
   * socket, even that of an attempt to connect.
   */
  async #end(over: Promise<unknown> | undefined): Promise<void> {
    // Rejects when the connection is already closed or closing.
    this.#model?.close().catch(() => undefined);
    const inTime = new AbortController();
    const late = pause(CLOSE_TIMEOUT_MS, 'late', { signal: inTime.signal }).catch(() => undefined);
    const outcome = await Promise.race([over, late]);
    inTime.abort();
    // An error is needed for amqplib to notice: otherwise its heartbeat timers would keep the process alive.
    if (outcome === 'late') this.#socket.abort(new Error('the peer did not answer the close'));
  }

  #up(): void {
    this.#connected = true;
    this.failure = undefined;
    this.#refusal = undefined;
    this.since = new Date().toISOString();
    const { logger, name, url, onConnected } = this.#options;
    logger.info({ connection: name, broker: redactedUrl(url) }, 'connected');
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
    this.failure = explainConnectionFailure(error, url, this.#refusal?.reason);
    if (this.#closed) return;
    if (isVhostRefusal(error)) {
      await this.#askWhy();
      if (this.#closed || this.#connected) return;
      this.failure = explainConnectionFailure(error, url, this.#refusal?.reason);
    } else this.#refusal = undefined;
    logger.debug({ connection: name, code: this.failure.code, reason: this.failure.message }, 'cannot connect');
    onFailure?.(this.failure);
  }

  /** Not on every attempt: each one logs an error at the broker. */
  async #askWhy(): Promise<void> {
    const now = performance.now();
    if (this.#refusal && now - this.#refusal.askedAt < ASK_WHY_MS) return;
    this.#refusal = { reason: this.#refusal?.reason, askedAt: now };
    this.#refusal.reason = await askWhyRefused(this.#options.url);
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

/** Doubles with each failed attempt, plus or minus 20 %, so that clients do not all reconnect at once. */
function pauseMsAfter(tries: number): number {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
  return pauseMs * (0.8 + 0.4 * Math.random());
}

function requireSupported(model: ChannelModel): void {
  const { version } = model.connection.serverProperties;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && minor >= 10)) return;
  throw busErrors.BROKER_UNSUPPORTED(`RabbitMQ ${version} is too old: 3.10 or newer is required`);
}
