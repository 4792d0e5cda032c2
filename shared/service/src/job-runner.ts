import { createLeader, type LeaderOptions } from '@warren/event-store';
import type { ComponentHealth } from '@warren/kernel';

/** Where a job runs. */
export interface Runner {
  start(): void;
  stop(): Promise<void>;
  /** `standsBy` is true while another instance runs the job. */
  health(): ComponentHealth & { standsBy: boolean };
}

/** Runs the job until the signal is aborted. */
export type Work = (over: AbortSignal) => Promise<void>;

/** Every instance runs the job. */
export function everywhere(work: Work): Runner {
  const stopping = new AbortController();
  let working: Promise<void> | undefined;
  return {
    start() {
      working = work(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await working;
    },
    health: () => ({ up: true, standsBy: false }),
  };
}

/** The instance that holds the lock runs the job. */
export function whereItLeads({ work, ...lock }: Omit<LeaderOptions, 'lead'> & { work: Work }): Runner {
  const leader = createLeader({ ...lock, lead: ({ over }) => work(over) });
  return {
    start: () => leader.start(),
    stop: () => leader.stop(),
    health() {
      const { state, failure = 'it has no database session yet' } = leader;
      const up = state === 'leading' || state === 'standby';
      return { up, standsBy: state === 'standby', ...(!up && { reason: failure }), details: { state } };
    },
  };
}
