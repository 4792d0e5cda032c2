import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '../..');

/** The files that a call of `warren` loads, by their paths below the root of the repository. */
async function filesLoaded(...argv: string[]): Promise<string[]> {
  const program = `
    import { registerHooks } from '${ROOT}/tests/program/register-hooks.mjs';
    await registerHooks(new URL('file://${ROOT}/cli/test/module-list.mjs'));
    const { main } = await import('${ROOT}/cli/src/main.ts');
    await main(process.argv.slice(1));`;
  const loader = resolve(ROOT, 'tests/program/register-typescript.mjs');
  const args = ['--conditions=@warren/source', '--import', loader, '--input-type=module', '-e', program, '--', ...argv];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, DATA_DIR: '/nowhere' },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [urls] = await Promise.all([text(child.stdio[3] as NodeJS.ReadableStream), once(child, 'exit')]);
  const below = `file://${ROOT}/`;
  return urls.split('\n').flatMap((url) => (url.startsWith(below) ? url.slice(below.length) : []));
}

describe('the start of warren', () => {
  it.each([[['--help']], [['stock', 'receive', '--help']], [['dlq', 'list', '--limit', '0']]])(
    'when %j is given, then nothing but commander and the usage is loaded, that of contributed commands too',
    async (argv) => {
      const usage =
        /^cli\/src\/(?!commands\/)|^services\/\w+\/src\/(commands|arguments)\.ts$|^node_modules\/commander\//;
      const files = await filesLoaded(...argv);
      expect(files).toEqual(expect.arrayContaining(['cli/src/main.ts', 'services/commands/src/commands.ts']));
      expect(files.filter((file) => !usage.test(file))).toEqual([]);
    },
  );

  it('when a command runs, then only what it needs is loaded', async () => {
    const files = await filesLoaded('dlq', 'list');
    expect(files.filter((file) => file.startsWith('cli/src/commands/'))).toEqual(['cli/src/commands/dlq-list.ts']);
    expect(files).toContain('shared/event-bus/src/index.ts');
    expect(files.filter((file) => /^services\/\w+\/src\/service\.ts$/.test(file))).toEqual([]);
  });
});
