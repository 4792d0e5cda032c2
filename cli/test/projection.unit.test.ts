import { describe, expect, it } from '@jest/globals';
import { type Declared, findDeclared } from '../src/declarations.ts';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' });
  return { code: await main(['projection', ...argv], terminal), ...written };
}

describe('warren projection', () => {
  it('when the projections are listed, then each is shown with its service and its tables', async () => {
    const { code, out, err } = await run('list');
    expect(out).toMatch(/^PROJECTION +SERVICE +TABLES\n/);
    expect(out).toMatch(/^orders +order +order_service\.orders$/m);
    expect(out).toMatch(/^users +user +user_service\.users$/m);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse((await run('list', '--json')).out)).toEqual(
      expect.arrayContaining([
        { service: 'order', projection: 'orders', schema: 'order_service', tables: ['orders'] },
        { service: 'user', projection: 'users', schema: 'user_service', tables: ['users'] },
      ]),
    );
  });

  it.each([
    [['nonsense'], 'there is no projection nonsense'],
    [['orders', '--service', 'inventory'], 'there is no projection orders of a service inventory'],
  ])('when %j is to be rebuilt, then it fails and says what there is', async (argv, message) => {
    const { code, out, err } = await run('rebuild', ...argv);
    expect(err).toMatch(new RegExp(`^warren: ${message}\\. There are: .*orders \\(order\\), .*users \\(user\\).*\n$`));
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('when two services have a projection of that name, then the service must be named', () => {
    const ofService = (service: string): Declared => ({ name: 'list', service, schema: service });
    const all = [ofService('a'), ofService('b')];
    const wanted = { what: 'projection', name: 'list' };
    expect(() => findDeclared(all, wanted)).toThrow('name one with --service');
    expect(findDeclared(all, { ...wanted, service: 'b' })).toBe(all[1]);
  });
});
