import { join } from 'node:path';
import { ExplainedError, runCommand } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';

/**
 * Compiles what has changed since the last build.
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export async function build(signal) {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await runCommand(process.execPath, [tsc, '-b', 'tsconfig.build.json'], {
    cwd: ROOT,
    signal,
  });
  if (code !== 0) throw new ExplainedError(`The sources do not compile:\n${output}`);
}
