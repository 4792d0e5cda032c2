import { type Store, type StoreWork, sql } from '@warren/event-store';
import type { ReadModel, ReadModels } from '../../application/read-models.ts';
import { figureTables } from './figure-tables.ts';

type Tx = Pick<StoreWork, 'query'>;

const COLUMNS = sql`id, replay_id, state, starts_from, read_offset, target_offset, events, started_at, finished_at`;

/** The read models are in the table `read_model`, their figures in the other tables. */
export const createModelTables = (store: Pick<Store, 'query'>): ReadModels => ({
  active: () =>
    store.query<ReadModel>(sql`SELECT ${COLUMNS} FROM read_model WHERE state IN ('building', 'live') ORDER BY id`),
  async findReplay(replayId) {
    const [model] = await store.query<ReadModel>(sql`SELECT ${COLUMNS} FROM read_model WHERE replay_id = ${replayId}`);
    return model;
  },
  begin,
  advance,
  swap,
  claimAnnouncement,
  ...figureTables,
});

const begin: ReadModels['begin'] = async (tx, { replayId, startsFrom, now }) => {
  const [model] = await tx.query<ReadModel>(sql`
    INSERT INTO read_model (replay_id, state, starts_from, started_at, target_offset)
    SELECT ${replayId}, 'building', ${JSON.stringify(startsFrom)}, ${now}, read_offset FROM read_model WHERE state = 'live'
        ON CONFLICT (state) WHERE state = 'building' DO NOTHING RETURNING ${COLUMNS}`);
  return model;
};

const advance: ReadModels['advance'] = async (tx, { id, from, to }) => {
  const moved = await tx.query(sql`
    UPDATE read_model SET read_offset = ${to}
     WHERE id = ${id} AND read_offset IS NOT DISTINCT FROM ${from}::bigint AND state IN ('building', 'live') RETURNING id`);
  return moved.length === 1;
};

const swap: ReadModels['swap'] = async (tx, { id, now }) => {
  const models = await tx.query<Place>(
    sql`SELECT id, read_offset FROM read_model WHERE state IN ('building', 'live') ORDER BY id FOR UPDATE`,
  );
  const own = models.find((model) => model.id === id);
  const live = models.find((model) => model.id !== id);
  if (!own || !live || placeOf(own) < placeOf(live)) return false;
  await tx.query(sql`UPDATE read_model SET state = 'retired' WHERE id = ${live.id}`);
  await tx.query(sql`UPDATE read_model SET state = 'live', finished_at = ${now} WHERE id = ${id}`);
  return true;
};

type Place = Pick<ReadModel, 'id' | 'readOffset'>;

/** A comparable offset: -1 until a message was read. */
const placeOf = ({ readOffset }: Place): number => readOffset ?? -1;

async function claimAnnouncement(tx: Tx): Promise<boolean> {
  const claimed = await tx.query(sql`
    UPDATE read_model SET announced_events = events WHERE state = 'live' AND announced_events <> events RETURNING id`);
  return claimed.length === 1;
}
