import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { identityOf } from '@warren/servers';
import { waitUntil } from '@warren/testing';

const LIB = resolve(import.meta.dirname, '../lib');
const SERVERS = resolve(import.meta.dirname, '../../shared/servers/src/index.mjs');

/** Runs a script whose main is the given code; `wait()` inside it lasts until the script is asked to stop. */
function run(main: string) {
  const code = `
    import { setTimeout as delay } from 'node:timers/promises';
    import { ExplainedError } from '${SERVERS}';
    import { createReport } from '${LIB}/report.mjs';
    import { runScript } from '${LIB}/run-script.mjs';
    const report = createReport();
    await runScript({ report, stoppedCode: 42, main: async ({ signal, onEnd }) => {
      const wait = () => delay(60_000, undefined, { signal });
      ${main}
    } });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  const says = (text: string) => waitUntil(() => output.includes(text), { what: `'${text}'` });
  return { child, ended, says, words: () => output };
}

const TWO_STOPS = `onEnd(async () => console.log('database stopped')); onEnd(async () => console.log('services stopped'));`;

describe('a script', () => {
  test('when it comes to its end, then what was started last is stopped first', async () => {
    const { code, output } = await run(`${TWO_STOPS} return 0;`).ended;
    expect({ code, output }).toEqual({ code: 0, output: 'services stopped\ndatabase stopped\n' });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'when it gets %s, then it stops everything in order',
    async (signal) => {
      const { child, ended, says } = run(`${TWO_STOPS} console.log('up'); await wait();`);
      await says('up');
      child.kill(signal);
      const { code, output } = await ended;
      expect(code).toBe(42);
      expect(output).toContain('services stopped\ndatabase stopped\n');
      expect(output).not.toContain('✗');
    },
  );

  test('when it ends, then what its processes had started is gone too, from the process table as well', async () => {
    const { ended } = run(`
      const { startChild } = await import('${SERVERS}');
      let told;
      const up = new Promise((resolve) => (told = (line) => resolve(console.log(line))));
      const parent = await startChild({ name: 'it', command: 'sh', args: ['-c', 'sleep 60 & echo up $!; wait'], env: process.env, onLine: told });
      onEnd(() => parent.kill());
      await up;
      return 0;`);
    const { output } = await ended;
    const orphan = `/proc/${Number(/up (\d+)/.exec(output)?.[1])}`;
    if (!existsSync(orphan)) return;
    // Only where nobody ever takes note of orphans may it still be listed.
    const taken = waitUntil(() => !existsSync(orphan), { timeoutMs: 15_000 }).then(() => 'a little later');
    expect(await taken.catch(() => 'never')).toBe('never');
  });

  test('when one stop fails, then the others are still made, and the exit code tells', async () => {
    const { code, output } = await run(`${TWO_STOPS} onEnd(async () => { throw new Error('jammed'); }); return 0;`)
      .ended;
    expect(code).toBe(1);
    expect(output).toMatch(/services stopped\ndatabase stopped\n\n✗ Error: jammed/);
  });

  test('when it fails with an explanation, then that is all it says', async () => {
    const { code, output } = await run(`throw new ExplainedError('Port 1 is taken.');`).ended;
    expect({ code, output }).toEqual({ code: 1, output: '\n✗ Port 1 is taken.\n' });
  });

  test('when it fails by a bug, then the stack is shown', async () => {
    const { code, output } = await run(`undefined.bug;`).ended;
    expect(code).toBe(1);
    expect(output).toMatch(/TypeError[\s\S]* at /);
  });

  test('when the same Ctrl-C arrives twice, from the terminal and from npm, then it still stops in order', async () => {
    // The second from inside: one from here comes too late on a busy machine, and counts as another press.
    const { child, ended, says } = run(`
      onEnd(() => delay(300).then(() => console.log('drained')));
      signal.addEventListener('abort', () => process.kill(process.pid, 'SIGINT'));
      console.log('up');
      await wait();`);
    await says('up');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 42, output: expect.stringContaining('drained') });
  });

  test('when Ctrl-C is pressed again later, then it ends at once and kills what still runs', async () => {
    const { child, ended, says } = run(`
      const { startChild } = await import('${SERVERS}');
      const stubborn = await startChild({ name: 'it', command: 'sh', args: ['-c', "trap '' TERM; echo up $$; sleep 60"], env: process.env, onLine: console.log });
      onEnd(() => stubborn.stop());
      await wait();`);
    await says('up');
    child.kill('SIGINT');
    await says('Stopping (SIGINT)');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    child.kill('SIGINT');
    const { code, output } = await ended;
    expect(code).toBe(130);
    const pid = Number(/up (\d+)/.exec(output)?.[1]);
    // Before its guard would end it.
    await waitUntil(() => identityOf(pid) === undefined, { timeoutMs: 15_000, what: 'its end' });
  });

  /** Runs a suite that says its process id and lives for a minute; `more` is done first. */
  const runSuite = (more: string) =>
    run(`
      const { runNode } = await import('${LIB}/private-run.mjs');
      const suite = "${more} console.log('up', process.pid); setTimeout(() => {}, 60_000);";
      return runNode(['-e', suite], { env: process.env, signal });`);

  test.each([
    ['is killed', '', ['SIGKILL']],
    [
      'is told to stop twice, and its suite does not listen',
      "process.on('SIGTERM', () => {});",
      ['SIGTERM', 'SIGTERM'],
    ],
  ] as const)('when it %s, then its suite does not outlive it', async (_, more, signals) => {
    const { child, ended, says, words } = runSuite(more);
    await says('up');
    const pid = Number(/up (\d+)/.exec(words())?.[1]);
    for (const [index, signal] of signals.entries()) {
      if (index > 0) {
        // Within a second both would count as one.
        await says('Stopping (SIGTERM)');
        await new Promise((resolve) => setTimeout(resolve, 1_100));
      }
      child.kill(signal);
    }
    // Before the suite that was told once would be killed anyway.
    await waitUntil(() => identityOf(pid) === undefined, { timeoutMs: 7_000, what: 'the end of the suite' });
    await ended;
  });
});
