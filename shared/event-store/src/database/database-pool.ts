import pg, { type PoolClient, type PoolConfig } from 'pg';
import type { DatabaseRefusals } from './database-refusals.ts';
import { DatabaseSession, type SessionConfig } from './database-session.ts';

export type DatabasePoolConfig = SessionConfig & PoolConfig;

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (release?: unknown) => void,
) => void;

/** The message of pg-pool's error when no session became free in time. */
const EXHAUSTED = 'timeout exceeded when trying to connect';

/** Connections to one database, with the service's schema as their `search_path`. */
export class DatabasePool extends pg.Pool {
  /** Refusals by the database, reported by all its sessions. */
  readonly refusals: DatabaseRefusals;
  /** The configuration of the sessions. */
  readonly config: DatabasePoolConfig;

  readonly #writes: DatabasePool | undefined;

  /** @param writes see {@link writes} @default this pool */
  constructor(config: DatabasePoolConfig, writes?: DatabasePool) {
    const sessions = { ...config, Client: DatabaseSession as unknown as PoolConfig['Client'] };
    super(sessions);
    this.config = config;
    this.#writes = writes;
    this.refusals = config.refusals;
    // The session has already reported its loss. Without a listener, the loss of an idle session would end the process.
    this.on('error', () => undefined);
  }

  /** The sessions for the transactions of a store: their plans do not depend on statistics (docs/adr/0012). They end with this pool. */
  get writes(): DatabasePool {
    return this.#writes ?? this;
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<PoolClient> | undefined {
    if (!callback) return super.connect().catch((error: Error) => this.#rethrow(error));
    super.connect((error, client, done) => {
      if (error) this.#note(error);
      callback(error, client, done);
    });
    return undefined;
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | undefined {
    const ended = Promise.all([super.end(), this.#writes?.end()]).then(() => undefined);
    if (!callback) return ended;
    void ended.then(callback);
    return undefined;
  }

  /** Closes the idle sessions. */
  async discardIdle(): Promise<void> {
    await this.#writes?.discardIdle();
    const now = performance.now();
    const idle = Array.from({ length: this.idleCount }, () => this.connect());
    for (const taken of await Promise.allSettled(idle)) {
      if (taken.status === 'fulfilled') taken.value.release(openedBefore(taken.value, now));
    }
  }

  #note(error: Error): void {
    if (error.message !== EXHAUSTED) return;
    const waitedMs = this.config.connectionTimeoutMillis;
    this.refusals.poolExhausted(`none of ${this.totalCount} sessions became free within ${waitedMs} ms`);
  }

  #rethrow(error: Error): never {
    this.#note(error);
    throw error;
  }
}

function openedBefore(client: PoolClient, moment: number): boolean {
  return client instanceof DatabaseSession && client.openedAt < moment;
}
