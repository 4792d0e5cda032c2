import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@warren/kernel';
import type { Client } from 'pg';

export interface WakeUpOptions {
  /** The relay's name. */
  relay: string;
  logger: Logger;
}

/** Tells the leading instance of a relay that another instance has committed events. */
export interface WakeUp {
  /** Uses this session from now on. Its commits should not wait for the disk. */
  use(client: Client): Promise<void>;
  /** Listens for calls on the session in use. @param onCall receives the newest transaction that the caller knows of, if it named one */
  listen(onCall: (tx: bigint | undefined) => void): Promise<void>;
  /** Names a committed transaction to the leader. Calls are combined: one at a time, at most one per 5 ms. Without a session they wait for one. */
  call(tx: bigint): void;
}

const PAUSE_MS = 5;

const CHANNEL = `SELECT 'warren_relay_' || to_hex(hashtextextended(current_schema() || '/' || $1, 0)) AS channel`;

/**
 * Calls by `NOTIFY`, never in a transaction that writes: a notifying transaction holds a lock of the whole cluster during its commit. A lost
 * call is harmless, because the leader also polls.
 */
export function createWakeUp({ relay, logger }: WakeUpOptions): WakeUp {
  let session: Client | undefined;
  let channel = '';
  /** The newest transaction that the leader has not been told of. */
  let newest: bigint | undefined;
  let calling = false;

  async function callOut(): Promise<void> {
    if (calling) return;
    calling = true;
    while (session && newest !== undefined && (await isTold(session, newest))) {
      await delay(PAUSE_MS, undefined, { ref: false });
    }
    calling = false;
  }

  async function isTold(client: Client, tx: bigint): Promise<boolean> {
    try {
      await client.query('SELECT pg_notify($1, $2)', [channel, tx.toString()]);
    } catch (err) {
      logger.debug({ err, relay }, 'cannot wake the leading relay: it will poll');
      return false;
    }
    if (newest === tx) newest = undefined;
    return true;
  }

  return {
    async use(client) {
      const { rows } = await client.query<{ channel: string }>(CHANNEL, [relay]);
      channel = rows[0]?.channel ?? '';
      session = client;
      client.on('end', () => {
        if (session === client) session = undefined;
      });
      void callOut();
    },
    async listen(onCall) {
      session?.on('notification', ({ payload = '' }) => onCall(/^\d+$/.test(payload) ? BigInt(payload) : undefined));
      await session?.query(`LISTEN ${channel}`);
    },
    call(tx) {
      if (newest === undefined || tx > newest) newest = tx;
      void callOut();
    },
  };
}
