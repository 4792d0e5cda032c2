import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { cliErrors } from '../cli-errors.ts';
import { serviceFiles } from '../new-service/service-files.ts';
import type { Terminal } from '../terminal.ts';

const FIRST_PORT = 3001;

/**
 * Writes the files of a new service into the checkout that contains the working directory, and adds it to the npm workspaces.
 * @throws `CLI_NO_CHECKOUT`, `CLI_SERVICE_EXISTS`, `CLI_NPM_FAILED`
 */
export async function newService(terminal: Terminal, name: string): Promise<void> {
  const root = findCheckout(process.cwd());
  const services = join(root, 'services');
  const folder = join(services, name);
  if (existsSync(folder)) throw cliErrors.CLI_SERVICE_EXISTS(`${relative(root, folder)} already exists`);
  const { version: kitVersion } = readJson<{ version: string }>(join(root, 'shared', 'service', 'package.json'));
  const files = serviceFiles({ name, port: freePort(services), kitVersion });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    terminal.out(`  ${relative(root, join(folder, path))}\n`);
  }
  npm(root, ['install', '--no-audit', '--no-fund']);
  npm(root, ['run', '--silent', 'generate']);
  npm(root, ['exec', '--', 'biome', 'check', '--write', folder]);
  terminal.out(nextSteps(name));
}

const nextSteps = (name: string) => `  services/${name}/topology.json

npm run check                     checks it with all the others
npm test -- services/${name}
npm start -- --all                runs it with the others
docs/building-a-service.md        explains each file, and how to send it an event
`;

/** The nearest folder, upwards from here, that contains services and the kit. */
function findCheckout(directory: string): string {
  if (existsSync(join(directory, 'services')) && existsSync(join(directory, 'shared', 'service'))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw cliErrors.CLI_NO_CHECKOUT('run it inside the checkout that the service is for');
  return findCheckout(parent);
}

/** The port after the highest default port of a service. */
function freePort(services: string): number {
  const files = readdirSync(services).map((name) => join(services, name, 'topology.json'));
  const taken = files
    .filter((file) => existsSync(file))
    .map((file) => readJson<{ port: { default: number } }>(file).port.default);
  return Math.max(FIRST_PORT - 1, ...taken) + 1;
}

const readJson = <Content>(file: string): Content => JSON.parse(readFileSync(file, 'utf8'));

function npm(cwd: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw cliErrors.CLI_NPM_FAILED(`npm ${args.join(' ')} failed:\n${stdout}${stderr}`);
}
