import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@warren/event-store';
import { createServiceFixture, type ServiceFixture } from '@warren/testing';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';
import { greetingService } from './services/greeting/src/service.ts';
import { createServicesFolder } from './services-folder.ts';

/** A folder with one service, of which the command line has no line of code. */
const services = new URL('./services/', import.meta.url);
let fixture: ServiceFixture;

beforeAll(async () => {
  fixture = await createServiceFixture(greetingService);
  await fixture.start();
  const pool = createPool({ url: fixture.database.url, schema: 'greeting_service' });
  // Stored in another order than that of the log, as rows may be after a vacuum.
  await pool.query(`
    INSERT INTO events (position, stream_id, stream_version, event_id, type, schema_version, aggregate_id, occurred_at, data, metadata)
    OVERRIDING SYSTEM VALUE
    SELECT version, 'greeting-bob', version, gen_random_uuid(), 'Greeted', version, 'bob', '2026-01-01T00:00:00Z', data::json,
           json_build_object('correlationId', 'request-' || version, 'causationId', 'request-' || version, 'source', 'greeting')
      FROM (VALUES (2, '{"name":"rob","language":"de"}'), (1, '{"name":"bob"}')) AS given (version, data)`);
  await pool.end();
});
afterAll(() => fixture?.close());

async function run(...argv: string[]) {
  return runWith(services, ...argv);
}

async function runWith(folder: URL, ...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATABASE_URL: fixture.database.url }, undefined, folder);
  return { code: await main(argv, terminal), ...written };
}

describe('a service that somebody has added', () => {
  it('when its stream is asked for, then earlier versions are upcast, and folded by its own evolve', async () => {
    const found = JSON.parse((await run('stream', 'greeting', 'bob', '--json')).out);
    expect(found).toMatchObject({
      stream: 'greeting-bob',
      service: 'greeting',
      version: 2,
      state: { names: ['bob', 'rob'], language: 'de' },
      row: { id: 'bob', name: 'rob', version: 2 },
      events: [
        { version: 2, data: { name: 'bob', language: 'en' } },
        { version: 2, data: { name: 'rob', language: 'de' } },
      ],
    });
    const then = JSON.parse((await run('stream', 'greeting', 'bob', '--at', '1', '--json')).out);
    expect(then.state).toEqual({ names: ['bob'], language: 'en' });
  });

  it.each(['bob', 'greeting-bob'])('when %s is traced, then every request about it is shown', async (id) => {
    const { code, out } = await run('trace', id);
    expect(out).toMatch(
      /^request {2}request-1\nrequest {2}request-2\n\n.*\nGreeted +greeting .*\nGreeted v2 +greeting .*\n$/,
    );
    expect(code).toBe(0);
  });

  it('when a trace finds nothing, then it says what there could have been', async () => {
    expect(await run('trace', 'nobody')).toMatchObject({
      code: 1,
      err: 'warren: nothing has the id nobody: no request, and no greeting\n',
    });
  });

  it('when two services have the same category, then a trace names it once, and a stream asks which is meant', async () => {
    const source = `export * from '${new URL('greeting/src/service.ts', services).pathname}';`;
    const both = createServicesFolder({ 'one/src/service.ts': source, 'other/src/service.ts': source });
    expect((await runWith(both, 'trace', 'nobody')).err).toMatch(/: no request, and no greeting\n$/);
    expect((await runWith(both, 'stream', 'greeting', 'bob')).err).toMatch(/name one with --service\n$/);
  });
});
