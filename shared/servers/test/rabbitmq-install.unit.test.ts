import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { waitUntil } from '@warren/testing';
import { installRabbitmq, type Progress } from '../src/rabbitmq-install.mjs';

const titles: string[] = [];
const report: Progress = {
  step: (title, work) => {
    titles.push(title);
    return work();
  },
};
const shell = (script: string) => ['sh', '-c', script];
const apt = (...scripts: string[]) => ({ name: 'apt-get', commands: scripts.map(shell) });

test('when it installs, then it says so and runs one command after the other', async () => {
  await installRabbitmq(apt('exit 0', 'exit 0'), { report });
  expect(titles.at(-1)).toBe('Installing rabbitmq-server with apt-get (once)');
});

test('when a command fails, then its words are shown, with what else one can do', async () => {
  const installing = installRabbitmq(apt('echo no space left; exit 100', 'exit 0'), { report });
  await expect(installing).rejects.toThrow(/failed \(100\):\nno space left[\s\S]*AMQP_URL=/);
});

test('when it is asked to stop, then the package manager may come to a clean end, and the next command is not begun', async () => {
  const stopping = new AbortController();
  const directory = mkdtempSync(join(tmpdir(), 'warren-install-'));
  const [begun, ended, next] = ['begun', 'ended', 'next'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const slow = apt(
    `trap 'sleep 0.3; touch ${ended}; exit 0' INT; touch ${begun}; while :; do sleep 0.05; done`,
    `touch ${next}`,
  );
  const installing = installRabbitmq(slow, { report, signal: stopping.signal });
  await waitUntil(() => existsSync(begun), { what: 'the installation to begin' });
  stopping.abort(new Error('Ctrl-C'));
  await expect(installing).rejects.toThrow('Ctrl-C');
  expect({ ended: existsSync(ended), next: existsSync(next) }).toEqual({ ended: true, next: false });
  rmSync(directory, { recursive: true });
});
