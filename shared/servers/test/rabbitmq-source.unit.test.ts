import { expect, jest, test } from '@jest/globals';
import { chooseBrokerSource } from '../src/rabbitmq.mjs';
import type { Progress } from '../src/rabbitmq-install.mjs';

const PROGRAMS = { server: '/usr/lib/rabbitmq/bin/rabbitmq-server', epmd: '/usr/bin/epmd' };
const APT = { name: 'apt-get', commands: [['apt-get', 'install', 'rabbitmq-server']] };
const report: Progress = { step: (_, work) => work() };

/** A machine that has what is listed; what is asked of it is recorded. */
function machine(has: { server?: boolean; docker?: boolean; apt?: boolean; aptBreaks?: boolean }) {
  const asked: string[] = [];
  let installed = has.server ?? false;
  const using = {
    locate: () => (installed ? PROGRAMS : undefined),
    dockerUsable: async () => {
      asked.push('docker');
      return has.docker ?? false;
    },
    installer: async () => {
      asked.push('installer');
      return has.apt ? APT : undefined;
    },
    install: jest.fn(async () => {
      installed = !has.aptBreaks;
    }),
  };
  return { asked, using };
}

test('when rabbitmq-server is installed, then it is used and nothing else is asked for', async () => {
  const { asked, using } = machine({ server: true, docker: true, apt: true });
  expect((await chooseBrokerSource({ env: {}, report, using })).kind).toBe('native');
  expect(asked).toEqual([]);
});

test('when it is not but a Docker engine answers, then that is used and nothing is installed', async () => {
  const { asked, using } = machine({ docker: true, apt: true });
  expect((await chooseBrokerSource({ env: {}, report, using })).kind).toBe('docker');
  expect(asked).toEqual(['docker']);
  expect(using.install).not.toHaveBeenCalled();
});

test('when there is neither but a package manager, then it installs one and uses it', async () => {
  const { using } = machine({ apt: true });
  expect((await chooseBrokerSource({ env: {}, report, using })).kind).toBe('native');
  expect(using.install).toHaveBeenCalledTimes(1);
});

test('when there is nothing at all, then the message has the commands for each system', async () => {
  const { using } = machine({});
  const chosen = chooseBrokerSource({ env: {}, report, using });
  await expect(chosen).rejects.toThrow(
    /apt-get install -y rabbitmq-server[\s\S]*brew install rabbitmq[\s\S]*docker run[\s\S]*AMQP_URL=/,
  );
});

test('when the installation brings no server, then it says so and does not go on', async () => {
  const { using } = machine({ apt: true, aptBreaks: true });
  await expect(chooseBrokerSource({ env: {}, report, using })).rejects.toThrow(/its programs were not found/);
});

test('when a fixture asks, then nothing is installed behind its back', async () => {
  const { using } = machine({ apt: true });
  await expect(chooseBrokerSource({ env: {}, using })).rejects.toThrow(/apt-get install/);
  expect(using.install).not.toHaveBeenCalled();
});
