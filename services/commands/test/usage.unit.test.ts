import { describe, expect, it } from '@jest/globals';
import { main } from '../../../cli/src/main.ts';
import { createRecordingTerminal } from '../../../cli/test/recording-terminal.ts';

async function run(...argv: string[]) {
  const { terminal, written } = createRecordingTerminal({ DATA_DIR: '/nowhere' });
  return { code: await main(argv, terminal), ...written };
}

describe("the usage of the shop's commands", () => {
  it.each([
    [['stock', '--help'], /list.*receive/s],
    [['stock', 'list', '--help'], /--json/],
    [['stock', 'receive', '--help'], /--no-wait.*--timeout <seconds>.*default: 10\)/s],
    [['order', '--help'], /<id>.*--at <moment>/s],
    [['analytics', 'replay', '--help'], /--from <place>.*--no-wait.*--json/s],
  ])('when %j is given, then the help goes to standard output and the exit code is 0', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(out).toMatch(expected);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it.each([
    [['stock'], /Usage: warren stock/],
    [['order'], /missing required argument 'id'/],
    [['order', '42', '--at', '0'], /version from 1, or a time/],
    [['order', '42', '--at', '2026-02-31'], /version from 1, or a time/],
    [['order', '42', '--at', '2026-02-03T04:05:06'], /version from 1, or a time/],
    [['stock', 'list', '--yaml'], /unknown option '--yaml'/],
    [['stock', 'receive', 'item1', '1.5'], /whole number from 1 to 1000000000/],
    [['stock', 'receive', 'item1', '0'], /whole number from 1/],
    [['stock', 'receive', 'item1', '1e3'], /whole number from 1/],
    [['stock', 'receive', 'a\nb', '1'], /without control characters/],
    [['stock', 'receive', 'item1', '1', '--timeout', 'soon'], /number of seconds/],
    [['stock', 'receive', 'item1', '1', '2'], /too many arguments/],
    [['analytics', 'replay', '--from', 'yesterday'], /first, an offset, or a time/],
    [['analytics', 'replay', '--from', '2026-02-30T99:00:00Z'], /first, an offset, or a time/],
  ])('when %j is given, then it is a usage error: exit code 2, told on standard error', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(err).toMatch(expected);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  it.each([
    [['stock', 'list'], /npm start.*DATABASE_URL/],
    [['stock', 'receive', 'item1', '1'], /npm start.*AMQP_URL/],
    [['order', '42'], /npm start.*ORDER_URL/],
  ])('when %j does not know where the system is, then it fails with one line that helps', async (argv, expected) => {
    const { code, out, err } = await run(...argv);
    expect(err).toMatch(expected);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });
});
