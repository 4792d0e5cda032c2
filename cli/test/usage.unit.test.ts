import { describe, expect, it } from '@jest/globals';
import { main } from '../src/main.ts';
import { createRecordingTerminal } from './recording-terminal.ts';

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' });
  return { code: await main(argv, terminal), ...written };
}

describe('the usage of warren', () => {
  it.each([
    [['--help'], /stream.*trace.*dlq.*projection.*new.*stock.*order.*analytics/s],
    [['stream', '--help'], /<category> <id>.*--at <moment>.*--service.*--json/s],
    [['trace', '--help'], /<id>.*--json.*INBOX_KEEP_MS/s],
    [['projection', '--help'], /list.*rebuild/s],
    [['projection', 'rebuild', '--help'], /<name>.*--service.*--json.*interrupted/s],
    [['dlq', '--help'], /list.*show.*replay.*purge/s],
    [['dlq', 'replay', '--help'], /--code.*--older-than.*--limit.*--rate.*--dry-run.*--json/s],
  ])('when %j is given, then the help goes to standard output and the exit code is 0', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(out).toMatch(expected);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it.each([
    [[], /Usage: warren/],
    [['dlq'], /Usage: warren dlq/],
    [['stream', 'order'], /missing required argument 'id'/],
    [['stream', 'order', '42', '--at', '0'], /version from 1, or a time/],
    [['stream', 'order', '42', '--at', '2026-02-31'], /version from 1, or a time/],
    [['stream', 'order', '42', '--at', '2026-02-03T04:05:06'], /version from 1, or a time/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['trace'], /missing required argument 'id'/],
    [['projection', 'rebuild'], /missing required argument 'name'/],
    [['dlq', 'list', '--older-than', '5'], /with a unit/],
    [['dlq', 'list', '--limit', '0'], /whole number from 1/],
    [['dlq', 'replay', '--rate', '0'], /from 0.01/],
  ])('when %j is given, then it is a usage error: exit code 2, told on standard error', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(err).toMatch(expected);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  it.each([
    [['stream', 'order', '42'], /npm start.*DATABASE_URL/],
    [['trace', '42'], /npm start.*DATABASE_URL/],
    [['dlq', 'list'], /npm start.*AMQP_URL/],
    [['projection', 'rebuild', 'orders'], /npm start.*DATABASE_URL/],
  ])('when %j does not know where the system is, then it fails with one line that helps', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(err).toMatch(expected);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });
});
