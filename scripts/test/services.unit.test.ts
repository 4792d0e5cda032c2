import { expect, test } from '@jest/globals';
import { mailCatcherSettings } from '../../mail-catcher/src/config.ts';
import { SERVICES, withoutServiceSettings } from '../lib/services.mjs';

test('when services are found, then the core pair comes first', () => {
  expect(SERVICES.map(({ name, core }) => [name, core]).slice(0, 2)).toEqual([
    ['order', true],
    ['inventory', true],
  ]);
});

test('when a service or the mail catcher reads a setting, then npm test keeps it from what is under test', () => {
  const read = [
    ...SERVICES.flatMap(({ settings }) => settings),
    ...Object.values(mailCatcherSettings).map(({ env }) => env),
    'DATA_DIR',
  ];
  const env = Object.fromEntries(read.map((name) => [name, 'mine']));
  expect(withoutServiceSettings({ PATH: '/bin', ...env })).toEqual({ PATH: '/bin' });
});
