import { writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { queuesOf } from '../src/dead-letter-queues.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';
import { createServicesFolder } from './services-folder.ts';

const ADDED = new URL('./services/', import.meta.url);

async function run(services: URL, ...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' }, undefined, services);
  return { code: await main(argv, terminal), ...written };
}

const withCommands = (source: string) => createServicesFolder({ 'odd/src/commands.ts': source });

describe('the commands that a service contributes', () => {
  it('when a folder below the services has a module commands, then they run and are in the help', async () => {
    expect(await run(ADDED, 'greet', 'Bob')).toEqual({ code: 0, out: 'Hello, Bob!\n', err: '' });
    expect((await run(ADDED, '--help')).out).toMatch(/^ +greet <name>/m);
  });

  it.each([
    ['throws', "throw new Error('not today');", /not today/],
    ['throws null', 'throw null;', /null/],
    ['fails later', "export const addCommands = async () => { throw new Error('not today'); };", /not today/],
    ['writes to the terminal', String.raw`throw new Error('\u001b[31mred');`, /: \uFFFD\[31mred\n/],
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

  it.each([
    ['cannot be loaded', "throw new Error('not today');", 'cannot load odd/src/service.ts: not today'],
    ['exports no service', 'export const nothing = null;', 'odd/src/service.ts must export one service, not 0'],
  ])('when its module %s, then the command names it', async (_, source, why) => {
    const { code, out, err } = await run(createServicesFolder({ 'odd/src/service.ts': source }), 'projection', 'list');
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: `warren: ${why}\n` });
  });

  it('when the name of a folder is no part of a URL, then its modules are found all the same', async () => {
    const source = "export const addCommands = (program) => program.command('greet');";
    expect((await run(createServicesFolder({ '100%/src/commands.ts': source }), '--help')).out).toMatch(/^ +greet/m);
  });
});
