import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MECHANISMS } from './mechanisms.mjs';

describe('the mechanisms that can be switched off', () => {
  it.each(Object.entries(MECHANISMS))('when %s is switched off, then there is something to switch off', (_, one) => {
    const [, folder = '', path = ''] = /^\/([^/]+)\/dist\/(.*)\.js$/.exec(one.file) ?? [];
    const root = join(import.meta.dirname, '../../..');
    const source = ['shared', 'services']
      .map((room) => join(root, room, folder, 'src', `${path}.ts`))
      .find((file) => existsSync(file));
    const text = readFileSync(source ?? '', 'utf8');
    for (const [from] of one.cuts) expect(text).toContain(from);
  });
});
