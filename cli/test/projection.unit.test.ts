import { describe, expect, it } from '@jest/globals';
import { main } from '../src/main.ts';
import { findReadModel, type ReadModel } from '../src/read-models.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' });
  return { code: await main(['projection', ...argv], terminal), ...written };
}

describe('warren projection', () => {
  it('when the projections are listed, then each is shown with its service and its tables', async () => {
    expect(await run('list')).toEqual({
      code: 0,
      out: [
        'PROJECTION  SERVICE  TABLES\n',
        'orders      order    order_service.orders\n',
        'users       user     user_service.users\n',
      ].join(''),
      err: '',
    });
    expect(JSON.parse((await run('list', '--json')).out)).toEqual([
      { service: 'order', projection: 'orders', schema: 'order_service', tables: ['orders'] },
      { service: 'user', projection: 'users', schema: 'user_service', tables: ['users'] },
    ]);
  });

  it.each([
    [['nonsense'], 'there is no projection nonsense: see "warren projection list"'],
    [
      ['orders', '--service', 'inventory'],
      'there is no projection orders of a service inventory: see "warren projection list"',
    ],
  ])('when %j is to be rebuilt, then it fails and says where to look', async (argv, message) => {
    expect(await run('rebuild', ...argv)).toEqual({ code: 1, out: '', err: `warren: ${message}\n` });
  });

  it('when two services have a projection of that name, then the service must be named', () => {
    const ofService = (service: string): ReadModel => ({
      service,
      schema: service,
      projection: { name: 'list', tables: ['list'], apply: async () => undefined },
    });
    const all = [ofService('a'), ofService('b')];
    expect(() => findReadModel(all, 'list', undefined)).toThrow('name one with --service');
    expect(findReadModel(all, 'list', 'b')).toBe(all[1]);
  });
});
