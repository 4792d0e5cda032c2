import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { FaultContext, FaultKind } from './fault.ts';

/** What happens to the database server. */
export const databaseFaults: Readonly<Record<string, FaultKind>> = {
  'database killed': {
    on: 'database',
    weight: 3,
    durationMs: [0, 1500],
    async inject({ system: { postgres }, durationMs }) {
      await postgres.kill();
      await pause(durationMs);
      await postgres.start();
      return undefined;
    },
  },
  'database restarted': {
    on: 'database',
    weight: 3,
    durationMs: [0, 1500],
    async inject({ system: { postgres }, durationMs }) {
      await postgres.stop();
      await pause(durationMs);
      await postgres.start();
      return undefined;
    },
  },
  'database sessions ended': {
    on: 'database',
    weight: 5,
    durationMs: [0, 0],
    inject: endSessions,
  },
};

/** As an administrator does, or a failover. Half of them, drawn by their process ids. */
async function endSessions({ system: { postgres }, random }: FaultContext): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND pid % 2 = $1`,
      [random.integer(0, 1)],
    );
    return `${rowCount} ended`;
  } finally {
    await client.end();
  }
}
