import { beforeEach, expect, jest, test } from '@jest/globals';
import { type Child, type Exit, poll } from '@warren/servers';
import { keepRunning, type Running } from '../lib/keep-running.mjs';
import type { Report } from '../lib/report.mjs';

const CRASH: Exit = { code: 3, signal: null };
const said: string[] = [];
const report: Report = {
  say: (text) => void said.push(text),
  warn: (text) => void said.push(text),
  fail() {},
  step: (_, work) => work(),
};

beforeEach(() => {
  said.length = 0;
});

interface Ending extends Running {
  end(exit: Exit): void;
}

/** Something that runs until `end` is called; `stop` ends it in good order. */
function running(pid: number): Ending {
  let end: (exit: Exit) => void = () => {};
  const child = { name: 'it', pid } as Child;
  child.exited = new Promise((resolve) => {
    end = (exit) => {
      child.exit = exit;
      resolve(exit);
    };
  });
  return { child, stop: async () => end({ code: 0, signal: null }), end };
}

/** A clock that stands still, and pauses that last until the test lets them pass. */
function manualTiming() {
  let nowMs = 0;
  let passing: (() => void) | undefined;
  const timing = {
    now: () => nowMs,
    pause: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        passing = () => {
          nowMs += ms;
          resolve();
        };
        if (ms === 0) resolve();
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { timing, advance, passPause: () => passing?.() };
}

function setUp() {
  const all = [running(1)];
  const start = jest.fn(async () => {
    const next = running(all.length + 1);
    all.push(next);
    return next;
  });
  const { timing, advance, passPause } = manualTiming();
  const kept = keepRunning({ name: 'order', first: all[0] as Ending, start, report, timing });
  const isSaid = (text: string) => poll(() => said.at(-1) === text, { timeoutMs: 2_000, intervalMs: 1 });
  /** Ends what runs now, and resolves when the given line has been said last. */
  const dies = async (exit: Exit, line: string) => {
    all.at(-1)?.end(exit);
    expect(await isSaid(line)).toBe(true);
  };
  const comesBack = async (line: string) => {
    passPause();
    expect(await isSaid(line)).toBe(true);
  };
  return { kept, start, advance, dies, comesBack };
}

test('when it dies, then it starts again after a pause that doubles, and that is said', async () => {
  const { kept, start, dies, comesBack } = setUp();
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  expect(start).not.toHaveBeenCalled();
  await comesBack('✓ order runs again (process 2)');
  await dies({ code: null, signal: 'SIGKILL' }, 'order ended (killed by SIGKILL); it starts again in 2 s');
  await comesBack('✓ order runs again (process 3)');
  await kept.stop();
});

test('when it ran for a minute before it dies, then the pause is short again', async () => {
  const { kept, advance, dies, comesBack } = setUp();
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  await comesBack('✓ order runs again (process 2)');
  advance(60_000);
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  await kept.stop();
});

test('when it cannot be started, then it is tried again', async () => {
  const { kept, start, dies, comesBack } = setUp();
  start.mockRejectedValueOnce(new Error('no memory'));
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  await comesBack('order ended (exit code 3); it starts again in 2 s');
  expect(said).toContain('order could not be started: no memory');
  await comesBack('✓ order runs again (process 2)');
  await kept.stop();
});

test('when it is stopped, then it stays down', async () => {
  const { kept, start } = setUp();
  await kept.stop();
  expect(start).not.toHaveBeenCalled();
  expect(said).toEqual([]);
});

test('when it is stopped in the pause before a restart, then it stays down', async () => {
  const { kept, start, dies } = setUp();
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  await kept.stop();
  expect(start).not.toHaveBeenCalled();
});

test('when it is restarted for new code, then at once and without a complaint', async () => {
  const { kept, comesBack } = setUp();
  await kept.restart();
  await comesBack('✓ order runs again (process 2)');
  expect(said).toHaveLength(1);
  await kept.stop();
});

test('when it is restarted for new code in the pause after a crash, then the pause is cut short, and the next crash is told again', async () => {
  const { kept, dies } = setUp();
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  await kept.restart();
  expect(await poll(() => said.at(-1) === '✓ order runs again (process 2)', { timeoutMs: 2_000, intervalMs: 1 })).toBe(
    true,
  );
  await dies(CRASH, 'order ended (exit code 3); it starts again in 2 s');
  await kept.stop();
});

test('when it is stopped while it is being started again, then what was started is stopped too', async () => {
  const { kept, start, dies } = setUp();
  const late = running(2);
  let started: (value: Ending) => void = () => {};
  start.mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        started = resolve;
      }),
  );
  await dies(CRASH, 'order ended (exit code 3); it starts again in 1 s');
  await kept.restart();
  expect(await poll(() => start.mock.calls.length === 1, { timeoutMs: 2_000, intervalMs: 1 })).toBe(true);
  const stopped = kept.stop();
  started(late);
  await stopped;
  expect(late.child.exit).toEqual({ code: 0, signal: null });
});
