import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from './build.mjs';
import { installModules } from './install-modules.mjs';
import { takeLock } from './lock-file.mjs';
import { ROOT } from './paths.mjs';

/**
 * Node modules and build, as every script needs them. One script of this checkout at a time: `npm test` beside `npm start` must not
 * write the same files.
 * @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options
 */
export async function prepare({ report, signal }) {
  const release = await waitForTurn({ report, signal });
  try {
    await installModules({ report, signal });
    await report.step('Building', () => build(signal));
  } finally {
    release();
  }
}

/** @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options */
async function waitForTurn({ report, signal }) {
  let told = false;
  for (;;) {
    const lock = takeLock(join(ROOT, '.data', 'prepare.lock'));
    if (lock.taken) return lock.release;
    if (!told) report.say(`· Waiting for another script that installs or builds (process ${lock.holder.pid}) …`);
    told = true;
    await delay(200, undefined, { signal });
  }
}
