import pg, { type ClientConfig } from 'pg';
import type { DatabaseRefusals } from './database-refusals.ts';

export interface SessionConfig extends ClientConfig {
  /** Run first on each session, before anybody gets it: its settings, as SQL. */
  setup: string;
  refusals: DatabaseRefusals;
}

type ConnectCallback = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

/**
 * A session on the database. It has its settings once it is connected, whatever lies in between: they are statements, not start-up
 * parameters, which a pooler (PgBouncer) refuses or, worse, ignores. What the server refuses it is reported, and its loss never ends the process.
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

  /** It has refused a write: it leads to a standby, or to a database that is read-only. To be discarded. */
  get refusesWrites(): boolean {
    return this.#refusesWrites;
  }

  /** In milliseconds of `performance.now()`. */
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
      // Without its settings it would read and write the tables of another schema.
      void this.end().catch(() => undefined);
      throw error;
    }
    this.#openedAt = performance.now();
    this.#connected = true;
    this.#refusals.connected();
    return this;
  }
}
