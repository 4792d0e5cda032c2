import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { queuesOf } from '../src/dead-letter-queues.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

const ADDED = new URL('./services/', import.meta.url);
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function run(services: URL, ...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' }, undefined, services);
  return { code: await main(argv, terminal), ...written };
}

/** Services of which one has such a module `commands`. */
function withCommands(source: string): URL {
  const folder = mkdtempSync(join(tmpdir(), 'warren-services-'));
  folders.push(folder);
  mkdirSync(join(folder, 'odd/src'), { recursive: true });
  writeFileSync(join(folder, 'odd/package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'odd/src/commands.ts'), source);
  return pathToFileURL(`${folder}/`);
}

describe('the commands that a service contributes', () => {
  it('when a folder below the services has a module commands, then they run and are in the help', async () => {
    expect(await run(ADDED, 'greet', 'Bob')).toEqual({ code: 0, out: 'Hello, Bob!\n', err: '' });
    expect((await run(ADDED, '--help')).out).toMatch(/^ +greet <name>/m);
  });

  it.each([
    ['throws', "throw new Error('not today');", /not today/],
    ['has a command that exists', "export const addCommands = (program) => program.command('dlq');", /'dlq'/],
  ])('when such a module %s, then that is said, and the other commands work', async (_, source, why) => {
    const { code, out, err } = await run(withCommands(source), 'projection', 'list');
    expect(err).toMatch(/^warren: the commands of odd\/src\/commands\.ts are left out: .*\n$/);
    expect(err).toMatch(why);
    expect({ code, out }).toEqual({ code: 0, out: 'PROJECTION  SERVICE  TABLES\n' });
  });
});

describe('what a service declares', () => {
  it('when it keeps a read model, then it can be rebuilt', async () => {
    expect((await run(ADDED, 'projection', 'list')).out).toMatch(/^greetings +greeting +greeting_service\.greetings$/m);
  });

  it('when it has queues, then their dead letters are looked for also without the management API', async () => {
    const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' }, undefined, ADDED);
    expect(await queuesOf(undefined, terminal)).toEqual(['greeting_greeting_wanted']);
    expect(written.err).toMatch(/set MANAGEMENT_URL/);
  });

  it('when its folder has a topology and no module, then the command says what to do', async () => {
    const services = withCommands('export const addCommands = () => {};');
    writeFileSync(new URL('odd/topology.json', services), '{}');
    expect(await run(services, 'projection', 'list')).toEqual({
      code: 1,
      out: '',
      err: 'warren: there is no odd/src/service.ts: run "npm run build"\n',
    });
  });
});
