import { afterEach, expect, test } from '@jest/globals';
import { type CommitListener, type RecordedEvent, storeErrors } from '@warren/event-store';
import { type Component, type Logger, silentLogger } from '@warren/kernel';
import { waitUntil } from '@warren/testing';
import { createJob } from '../src/create-job.ts';
import { defineJob, type Job } from '../src/define-job.ts';
import { bell } from './bell-aggregate.ts';

const LONG_MS = 600_000;
interface Work {
  runs: number;
}

let started: Component[] = [];
afterEach(async () => {
  for (const job of started) await job.stop?.();
  started = [];
});

const count = async (work: Work): Promise<void> => {
  work.runs += 1;
};

/** Starts a job that counts its runs. */
async function start(more: Partial<Job<Work>>, logger: Logger = silentLogger) {
  const work = { runs: 0 };
  const listeners = new Set<CommitListener>();
  const onCommitted = (listener: CommitListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const job = createJob<Work>({
    job: { name: 'counting', everyMs: LONG_MS, run: count, ...more },
    context: work,
    log: { onCommitted },
    pool: undefined as never,
    logger,
  });
  started.push(job);
  await job.start?.();
  const commit = (streamId: string) => {
    for (const listener of listeners) listener([{ streamId } as RecordedEvent], '1');
  };
  const ran = (runs: number) => waitUntil(() => work.runs >= runs, { what: `${runs} runs` });
  return { job, work, commit, ran, listeners };
}

/** As long as it takes for a run that is due to begin. */
const aMoment = () => new Promise(setImmediate);

test('when a job has run, then it rests for the time it returns, and runs again', async () => {
  const { ran } = await start({ everyMs: () => 1 });
  await ran(3);
});

test('when an event of the aggregate that wakes a job is committed, then the job runs at once; an event of another one does not wake it', async () => {
  const { commit, ran, work } = await start({ wakenBy: bell });
  await ran(1);
  commit('chime-1');
  await aMoment();
  expect(work.runs).toBe(1);
  commit('bell-1');
  await ran(2);
});

test('when a run requests another run, even after its end, then the job does not rest', async () => {
  let again: () => void = () => undefined;
  const run = async (work: Work, turn: { again: () => void }) => {
    work.runs += 1;
    again = turn.again;
    if (work.runs === 1) again();
  };
  const { ran } = await start({ run });
  await ran(2);
  await aMoment();
  again();
  await ran(3);
});

test('when a run returns a rest that is not wakeable, then only the end of the job cuts it short', async () => {
  const { commit, job, ran, work } = await start({
    wakenBy: bell,
    run: async (context) => {
      context.runs += 1;
      return { restMs: LONG_MS, wakeable: false };
    },
  });
  await ran(1);
  commit('bell-1');
  await aMoment();
  expect(work.runs).toBe(1);
  await job.stop?.();
});

test('when runs fail, then each kind of failure is logged once, and readiness reports it until a run succeeds', async () => {
  const logged: string[] = [];
  const at = (level: string) => (_: object, text: string) => void logged.push(`${level}: ${text}`);
  const logger = { ...silentLogger, warn: at('warn'), error: at('error') } as unknown as Logger;
  const failures = [storeErrors.DATABASE_UNAVAILABLE('away'), new Error('no luck'), new Error('no luck')];
  let broken = true;
  const run = async (work: Work) => {
    const failure = failures[Math.min(work.runs, failures.length - 1)];
    work.runs += 1;
    if (broken) throw failure;
  };
  const { job, ran, work } = await start({ everyMs: 1, run }, logger);
  await ran(4);
  expect(await job.health?.()).toMatchObject({ up: false, reason: expect.stringContaining('no luck') });
  // What passes by itself is a warning.
  expect(logged).toEqual(['warn: a job failed: will retry', 'error: a job failed: will retry']);
  broken = false;
  await ran(work.runs + 2);
  expect(await job.health?.()).toEqual({ up: true });
});

test('when a failed job is woken, then it still rests, so that a failure is not retried early', async () => {
  const { commit, ran, work } = await start({
    wakenBy: bell,
    run: async (context) => {
      context.runs += 1;
      throw new Error('no luck');
    },
  });
  await ran(1);
  commit('bell-1');
  await aMoment();
  expect(work.runs).toBe(1);
});

test('when a job reports additional health, then it is combined with the health of the loop', async () => {
  const { job } = await start({ health: ({ runs }) => ({ up: false, reason: 'no door', details: { runs } }) });
  expect(await job.health?.()).toEqual({ up: false, reason: 'no door', details: { runs: 1 } });
});

test('when a job is stopped, then the signal of the current run is aborted, the run ends, and the stop hook runs last', async () => {
  const steps: string[] = [];
  const { job, listeners } = await start({
    wakenBy: bell,
    run: (_, { signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          steps.push('aborted');
          resolve();
        });
      }),
    stop: async () => void steps.push('goodbye'),
  });
  await job.stop?.();
  expect(steps).toEqual(['aborted', 'goodbye']);
  expect(listeners.size).toBe(0);
});

test('when the stop hook fails, then the job still ends', async () => {
  const { job } = await start({ stop: () => Promise.reject(new Error('nobody there')) });
  await job.stop?.();
});

test('a job is data', () => {
  const job: Job<Work> = { name: 'counting', everyMs: 1, run: async () => undefined };
  expect(defineJob(job)).toBe(job);
});
