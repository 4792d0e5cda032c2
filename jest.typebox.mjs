import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/**
 * One file for each entry point of typebox, for jest: as published it is 700 modules, and jest reads and links them anew for every suite. Made
 * once for each version, below node_modules/.cache.
 * @returns {Promise<string>} the directory; `index.mjs` in it is the package itself, `compile.mjs` is `typebox/compile` and so on
 */
export async function bundleTypebox() {
  const home = join(import.meta.dirname, 'node_modules', 'typebox');
  const { version, exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const directory = join(import.meta.dirname, 'node_modules', '.cache', 'warren', `typebox-${version}`);
  if (existsSync(directory)) return directory;
  mkdirSync(dirname(directory), { recursive: true });
  const unfinished = mkdtempSync(`${directory}-`);
  await build({
    entryPoints: Object.fromEntries(
      Object.entries(exports).map(([name, { import: file }]) => [entryName(name), join(home, file)]),
    ),
    outdir: unfinished,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What entry points share must be there once: it keeps settings.
    splitting: true,
    format: 'esm',
    platform: 'node',
  });
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    // Another run was faster.
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

/** @param {string} name as `exports` has it, e.g. `.` or `./compile` */
const entryName = (name) => (name === '.' ? 'index' : name.slice(2));
