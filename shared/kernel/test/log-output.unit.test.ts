import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { LOG_BUFFER_BYTES } from '../src/log-output.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PAD_BYTES = 10_000;
const TOO_MANY = Math.ceil((2 * LOG_BUFFER_BYTES) / PAD_BYTES);

interface Line {
  at?: number;
  lines?: number;
  msg: string;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** The process's next message; a blocked process sends none. */
async function word(child: ChildProcess): Promise<number> {
  const [said] = await once(child, 'message', { signal: AbortSignal.timeout(90_000) });
  return said as number;
}

/** A process of its own that logs to a pipe, which nobody reads until `read` is called. `burst(n)` logs n long lines inside the process. */
function logging(code: string) {
  const program = `
    import { createLogger } from '${ROOT}/shared/kernel/src/logger.ts';
    import { droppedLogLines } from '${ROOT}/shared/kernel/src/log-output.ts';
    const logger = createLogger({ service: 'it' });
    const pad = 'x'.repeat(${PAD_BYTES});
    const burst = (count) => { for (let at = 0; at < count; at += 1) logger.info({ at, pad }, 'line'); };
    ${code}`;
  const loader = resolve(ROOT, 'tests/program/register-typescript.mjs');
  const args = ['--conditions=@warren/source', '--import', loader, '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
  children.push(child);
  let text = '';
  return {
    child,
    read: () => child.stdout?.on('data', (chunk) => (text += chunk)),
    lines: () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line),
  };
}

describe('a log that nobody reads', () => {
  it('when it is full, then the process keeps running; when it is read again, then only the lines reported as dropped are missing', async () => {
    const { child, read, lines } = logging(`
      burst(${TOO_MANY});
      process.on('message', () => logger.info('later'));
      process.send(droppedLogLines());`);
    const dropped = await word(child);
    expect(dropped).toBeGreaterThan(TOO_MANY / 3);

    read();
    const told = await waitUntil(() => lines().find(({ lines: missing }) => missing !== undefined), {
      what: 'the gap',
    });
    child.send('go on');
    await waitUntil(() => lines().at(-1)?.msg === 'later', { what: 'a later line' });

    expect(told.lines).toBe(dropped);
    const kept = lines().flatMap(({ at }) => at ?? []);
    expect(kept).toEqual(Array.from({ length: TOO_MANY - dropped }, (_, at) => at));
  });

  it('when its reader goes away, then the process keeps running', async () => {
    const { child } = logging(
      `process.on('message', () => { burst(20); process.send(droppedLogLines()); }); process.send(0);`,
    );
    await word(child);
    child.stdout?.destroy();
    child.send('go on');
    const dropped = await word(child);
    expect(dropped).toBeGreaterThan(0);
  });
});

describe('a log whose reader is slow', () => {
  it.each([
    ['exits', 'process.exit(3);', 3],
    ['crashes', "throw new Error('a bug');", 1],
  ])('when the process %s, then the log is complete', async (_, end, expected) => {
    const { child, read, lines } = logging(`burst(200); ${end}`);
    read();
    const [code] = await once(child, 'close');
    expect(code).toBe(expected);
    expect(lines().map(({ at }) => at)).toEqual(Array.from({ length: 200 }, (_, at) => at));
  });
});
