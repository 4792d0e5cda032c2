import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { main } from '../../../cli/src/main.ts';
import { createRecordingTerminal } from '../../../cli/test/recording-terminal.ts';

const running = { id: 'r1', state: 'running', offset: null, target: 9, events: 0 };

let server: Server;
let env: Record<string, string>;
/** What the API was asked, and what it answers to each question in turn. */
let asked: string[];
let answers: { status: number; body: object }[];

beforeEach(async () => {
  asked = [];
  server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    asked.push(`${req.method} ${req.url} ${body}`.trim());
    const { status, body: answer } = answers.shift() ?? { status: 404, body: {} };
    res.writeHead(status).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  env = { ANALYTICS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal(env);
  return { code: await main(['analytics', 'replay', ...argv], terminal), ...written };
}

describe('warren analytics replay', () => {
  it('when it is asked for, then it waits until the replay is done', async () => {
    const done = { ...running, state: 'done', offset: 9, events: 8 };
    answers = [running, running, { ...running, offset: 4, events: 4 }, done].map((body, index) => ({
      status: index === 0 ? 202 : 200,
      body,
    }));
    const { code, out } = await run();
    expect({ code, out }).toEqual({ code: 0, out: '8 events replayed: the new figures are live.\n' });
    expect(asked).toEqual([
      'POST /analytics/replays {"from":"first"}',
      ...Array.from({ length: 3 }, () => 'GET /analytics/replays/r1'),
    ]);
  });

  it.each([
    ['42', '{"from":42}'],
    ['2026-01-31T12:00:00Z', '{"from":"2026-01-31T12:00:00Z"}'],
  ])('when it is to begin at %s and not waited for, then the API is told %s and nothing more', async (from, body) => {
    answers = [{ status: 202, body: running }];
    const { code, out } = await run('--from', from, '--no-wait');
    expect(code).toBe(0);
    expect(out).toBe('Replay r1 has begun. Check its progress: GET /analytics/replays/r1\n');
    expect(asked).toEqual([`POST /analytics/replays ${body}`]);
  });

  it('when another one is running, then it says so and fails', async () => {
    answers = [{ status: 409, body: { detail: 'another replay is running' } }];
    const { code, out, err } = await run();
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: 'warren: the analytics service says: another replay is running\n',
    });
  });

  it('when JSON is wanted, then the replay is printed as the API shows it', async () => {
    answers = [{ status: 202, body: running }];
    expect(JSON.parse((await run('--no-wait', '--json')).out)).toEqual(running);
  });
});
