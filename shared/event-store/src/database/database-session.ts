import pg, { type ClientConfig } from 'pg';
import type { DatabaseRefusals } from './database-refusals.ts';

export interface SessionConfig extends ClientConfig {
  /** The settings of the session, as SQL. Runs on each session before first use. */
  setup: string;
  refusals: DatabaseRefusals;
}

type ConnectCallback = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/**
 * A database session. Its settings apply once it is connected, even through a pooler: they are statements, not start-up parameters, which
 * PgBouncer rejects or, worse, ignores. Refusals by the server are reported, and the loss of the session never ends the process.
 */
export class DatabaseSession extends pg.Client {
  readonly #setup: string;
  readonly #refusals: DatabaseRefusals;
  #connected = false;
  #refusesWrites = false;
  #openedAt = 0;

  constructor(config: SessionConfig) {
    super(config);
    this.#setup = config.setup;
    this.#refusals = config.refusals;
    this.connection.on('errorMessage', (error: Error & { code?: string }) => {
      if (error.code === '25006') this.#refusesWrites = true;
      if (this.#connected) this.#refusals.statementRefused(error);
    });
    this.on('error', (error) => {
      if (this.#connected) this.#refusals.sessionLost(error);
    });
  }

  /** True once the session has rejected a write, because the server is a standby or the database is read-only. Discard such a session. */
  get refusesWrites(): boolean {
    return this.#refusesWrites;
  }

  /** When the session was opened, as `performance.now()`. */
  get openedAt(): number {
    return this.#openedAt;
  }

  override connect(): Promise<this>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<this> | undefined {
    const opened = this.#open();
    if (!callback) return opened;
    const done = callback as (error: Error | null, client?: pg.Client) => void;
    opened.then(
      () => done(null, this),
      (error: Error) => done(error),
    );
    return undefined;
  }

  async #open(): Promise<this> {
    try {
      await super.connect();
      await this.query(this.#setup);
    } catch (error) {
      this.#refusals.notConnected(error);
      // Without its settings the session would read and write the tables of another schema.
      void this.end().catch(() => undefined);
      throw error;
    }
    this.#openedAt = performance.now();
    this.#connected = true;
    this.#refusals.connected();
    return this;
  }
}
