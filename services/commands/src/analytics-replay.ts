import { setTimeout as delay } from 'node:timers/promises';
import { addressOf, createJsonApi, createProgress, formatJson } from '@warren/cli';
import type { Terminal } from '@warren/cli/usage';

const POLL_MS = 200;

/** The fields of a replay that the command reads. */
interface Replay {
  id: string;
  state: 'running' | 'done';
  /** Offset of the last message read, and that of the live figures when the replay began; null before the first message of the stream. */
  offset: number | null;
  target: number | null;
  events: number;
}

export interface AnalyticsReplayOptions {
  /** `first`, an offset, or a time in ISO 8601. */
  from: string | number;
  wait: boolean;
  json?: true;
}

/** `warren analytics replay`: rebuilds the figures from the stream of all events, and waits until the new figures are live. */
export async function replayAnalytics(terminal: Terminal, { from, wait, json }: AnalyticsReplayOptions): Promise<void> {
  const api = createJsonApi(addressOf({ api: 'analytics' }, terminal.env), 'the analytics service');
  const begun = await api.post<Replay>('analytics/replays', { from }, 'API for replays');
  const path = `analytics/replays/${begun.id}`;
  const replay = wait ? await untilDone(begun, () => api.get<Replay>(path, `replay ${begun.id}`), terminal) : begun;
  if (json) terminal.out(formatJson(replay));
  else terminal.out(describe(replay));
}

async function untilDone(begun: Replay, look: () => Promise<Replay>, terminal: Terminal): Promise<Replay> {
  const progress = createProgress(terminal, 'replaying');
  try {
    let replay = begun;
    while (replay.state === 'running') {
      const total = (replay.target ?? -1) + 1;
      progress.show(Math.min((replay.offset ?? -1) + 1, total), total, `${replay.events} events`);
      await delay(POLL_MS);
      replay = await look();
    }
    return replay;
  } finally {
    progress.end();
  }
}

function describe({ id, state, events }: Replay): string {
  if (state === 'running') return `Replay ${id} has begun. Check its progress: GET /analytics/replays/${id}\n`;
  return `${events} events replayed: the new figures are live.\n`;
}
