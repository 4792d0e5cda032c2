import { expect } from '@jest/globals';
import { main } from '../../cli/src/main.ts';
import { createRecordingTerminal } from '../../cli/test/recording-terminal.ts';

/** The tree that `warren trace` prints, each event with those that it follows from, and the service that recorded it. */
export async function traced(id: string, databaseUrl: string): Promise<{ head: string; paths: string[] }> {
  const { terminal, written } = createRecordingTerminal({ DATABASE_URL: databaseUrl });
  expect(await main(['trace', id], terminal)).toBe(0);
  const [head = '', table = ''] = written.out.split('\n\n');
  const above: string[] = [];
  const paths = table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [, branches = '', type = '', service = ''] = /^([│├└─ ]*)(\w+)(?: v\d)? +(\w+)/.exec(line) ?? [];
      above.splice(branches.length / 3, above.length, `${service}:${type}`);
      return above.join(' → ');
    });
  return { head, paths };
}
