import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { addressOf, hostOf, managementUrl } from '../src/addresses.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'warren-cli-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const runFile = (text: string) => writeFileSync(join(dataDir, 'run.json'), text);

describe('the addresses of the system', () => {
  it('when npm start runs, then they come from its run file', () => {
    runFile(
      '{"urls":{"order":"http://a:1","shipping":"http://a:2"},"amqpUrl":"amqp://a@b:1","databaseUrl":"postgres://a@b:2/c"}',
    );
    const env = { DATA_DIR: dataDir };
    expect(addressOf({ api: 'order' }, env)).toBe('http://a:1');
    expect(addressOf({ api: 'shipping' }, env)).toBe('http://a:2');
    expect(addressOf('broker', env)).toBe('amqp://a@b:1');
    expect(addressOf('database', env)).toBe('postgres://a@b:2/c');
  });

  it('when a variable is set, then it goes before the run file', () => {
    runFile('{"amqpUrl":"amqp://file"}');
    expect(addressOf('broker', { DATA_DIR: dataDir, AMQP_URL: 'amqp://env' })).toBe('amqp://env');
  });

  it('when another broker is named, then the management API of the run file is not taken for that one', () => {
    runFile('{"amqpUrl":"amqp://file","managementUrl":"http://a:b@file:1"}');
    expect(managementUrl({ DATA_DIR: dataDir })).toBe('http://a:b@file:1');
    expect(managementUrl({ DATA_DIR: dataDir, AMQP_URL: 'amqp://env' })).toBeUndefined();
    expect(managementUrl({ DATA_DIR: dataDir, AMQP_URL: 'amqp://env', MANAGEMENT_URL: 'http://env' })).toBe(
      'http://env',
    );
  });

  it('when nothing is known, then the error says to start the system or which variable to set', () => {
    expect(() => addressOf('database', { DATA_DIR: dataDir })).toThrow(/npm start.*DATABASE_URL/);
  });

  it('when there is no run file, then the error says where it was sought, and what moves it', () => {
    const sought = join(dataDir, 'run.json');
    expect(() => addressOf('database', { DATA_DIR: dataDir })).toThrow(
      `no ${sought}; if it runs with a DATA_DIR, set the same one here`,
    );
  });

  it('when npm start is not ready yet, then the error says to wait', () => {
    runFile('{"ready":false}');
    expect(() => addressOf({ api: 'order' }, { DATA_DIR: dataDir })).toThrow(
      /wait until "npm start" is ready.*ORDER_URL/,
    );
  });

  it('when npm start runs the core alone, then the error says how to start an optional service too', () => {
    runFile('{"ready":true,"urls":{"order":"http://a:1"}}');
    expect(() => addressOf({ api: 'shipping' }, { DATA_DIR: dataDir })).toThrow(
      /run "npm start -- --all" .*SHIPPING_URL/,
    );
  });

  it('when the run file is broken, then the error names it', () => {
    runFile('{');
    expect(() => addressOf('broker', { DATA_DIR: dataDir })).toThrow(/cannot read .*run\.json/);
  });

  it('when an address is no URL, then the error says so', () => {
    expect(() => addressOf({ api: 'order' }, { ORDER_URL: 'localhost' })).toThrow(/ORDER_URL must be a URL/);
  });

  it('when an address that is no URL holds a password, then the error does not show it', () => {
    const url = 'postgres://user:sec ret@host:99999/x';
    expect(() => addressOf('database', { DATABASE_URL: url })).toThrow(/^DATABASE_URL must be a URL$/);
    expect(() => managementUrl({ MANAGEMENT_URL: url })).toThrow(/^MANAGEMENT_URL must be a URL$/);
  });

  it('when an address is shown, then without its password', () => {
    expect(hostOf('postgres://user:secret@db.example:5432/x')).toBe('db.example:5432');
  });
});
