import type { EventStore, StoreTransaction } from '@warren/event-store';
import type { ReplayStart } from '../../application/event-source.ts';
import type { ModelState, ReadModel, ReadModels } from '../../application/read-models.ts';
import { createFigureTables } from './figure-tables.ts';

type Tx = Pick<StoreTransaction, 'query'>;

interface Row {
  id: number;
  replay_id: string | null;
  state: ModelState;
  starts_from: ReplayStart;
  read_offset: number | null;
  target_offset: number | null;
  events: number;
  started_at: Date;
  finished_at: Date | null;
}

const COLUMNS = 'id, replay_id, state, starts_from, read_offset, target_offset, events, started_at, finished_at';

/** The read models in the table `read_model`, their figures in the others. */
export function createModelTables(store: Pick<EventStore, 'query'>): ReadModels {
  return {
    async active() {
      const { rows } = await store.query<Row>(
        `SELECT ${COLUMNS} FROM read_model WHERE state IN ('building', 'live') ORDER BY id`,
      );
      return rows.map(toModel);
    },
    async findReplay(replayId) {
      const text = `SELECT ${COLUMNS} FROM read_model WHERE replay_id = $1`;
      const { rows } = await store.query<Row>(text, [replayId]);
      return rows[0] && toModel(rows[0]);
    },
    begin,
    advance,
    swap,
    claimAnnouncement,
    ...createFigureTables(),
  };
}

const begin: ReadModels['begin'] = async (tx, { replayId, startsFrom, now }) => {
  const { rows } = await tx.query<Row>(
    `INSERT INTO read_model (replay_id, state, starts_from, started_at, target_offset)
     SELECT $1, 'building', $2, $3, read_offset FROM read_model WHERE state = 'live'
         ON CONFLICT (state) WHERE state = 'building' DO NOTHING RETURNING ${COLUMNS}`,
    [replayId, JSON.stringify(startsFrom), now],
  );
  return rows[0] && toModel(rows[0]);
};

const advance: ReadModels['advance'] = async (tx, { id, from, to }) => {
  const { rowCount } = await tx.query({
    name: 'warren-analytics/advance',
    text: `UPDATE read_model SET read_offset = $3
            WHERE id = $1 AND read_offset IS NOT DISTINCT FROM $2::bigint AND state IN ('building', 'live')`,
    values: [id, from, to],
  });
  return rowCount === 1;
};

const swap: ReadModels['swap'] = async (tx, { id, now }) => {
  const { rows } = await tx.query<Pick<Row, 'id' | 'read_offset'>>(
    `SELECT id, read_offset FROM read_model WHERE state IN ('building', 'live') ORDER BY id FOR UPDATE`,
  );
  const own = rows.find((row) => row.id === id);
  const live = rows.find((row) => row.id !== id);
  if (!own || !live || startOf(own) < startOf(live)) return false;
  await tx.query(`UPDATE read_model SET state = 'retired' WHERE id = $1`, [live.id]);
  await tx.query(`UPDATE read_model SET state = 'live', finished_at = $2 WHERE id = $1`, [id, now]);
  return true;
};

/** Before everything while nothing was read. */
const startOf = ({ read_offset }: Pick<Row, 'read_offset'>): number => read_offset ?? -1;

async function claimAnnouncement(tx: Tx): Promise<boolean> {
  const { rowCount } = await tx.query(
    `UPDATE read_model SET announced_events = events WHERE state = 'live' AND announced_events <> events`,
  );
  return rowCount === 1;
}

function toModel(row: Row): ReadModel {
  return {
    id: row.id,
    replayId: row.replay_id,
    state: row.state,
    startsFrom: row.starts_from,
    readOffset: row.read_offset,
    targetOffset: row.target_offset,
    events: row.events,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
