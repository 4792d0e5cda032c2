import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { runProgram, wholeNumber } from './run-program.ts';

const said: string[] = [];
const listen = (stream: 'log' | 'error') =>
  jest.spyOn(console, stream).mockImplementation((text) => void said.push(`${stream}: ${text}`));
afterEach(() => {
  jest.restoreAllMocks();
  said.length = 0;
});

/** Runs a program that says how many of something it wants, and gives its exit code. */
function run(args: string[], main: (count: number, signal: AbortSignal) => Promise<number>): Promise<number> {
  listen('log');
  listen('error');
  const parse = ([count = '']: readonly string[]) =>
    count === '--help' ? ('help' as const) : wholeNumber('count', count, { min: 1, max: 9 });
  return runProgram({ help: 'the help', parse, run: main }, args);
}

describe('a program', () => {
  test('when it runs, then its exit code is what it gives', async () => {
    expect(await run(['7'], async (count) => count)).toBe(7);
    expect(said).toEqual([]);
  });

  test('when it is asked for help, then that is printed, 0', async () => {
    expect(await run(['--help'], async () => 1)).toBe(0);
    expect(said).toEqual(['log: the help']);
  });

  test.each(['', '0', '10', '1.5', 'x'])('when told %j, then it says what is wrong and the help, 2', async (count) => {
    expect(await run([count], async () => 0)).toBe(2);
    expect(said).toEqual(['error: --count must be a whole number from 1 to 9\n\nthe help']);
  });

  test('when it fails, then it says why, 2', async () => {
    expect(await run(['1'], () => Promise.reject(new Error('no luck')))).toBe(2);
    expect(said).toEqual(['error: Error: no luck']);
  });

  test('when it is asked to end, then its signal is aborted, whatever it fails with is no matter, 130', async () => {
    const until = (signal: AbortSignal) =>
      new Promise<number>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        process.emit('SIGINT');
      });
    expect(await run(['1'], (_, signal) => until(signal))).toBe(130);
    expect(said).toEqual([]);
  });
});
