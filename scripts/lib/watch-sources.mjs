import { existsSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { ExplainedError } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';
import { build } from './prepare.mjs';
import { SERVICES } from './services.mjs';

const SETTLE_MS = 150;

/** @typedef {import('./services.mjs').ServiceEntry} ServiceEntry */

/**
 * Builds and restarts services when a source file changes: all of them for the kit, or the one that the file belongs to. Sources that do not
 * compile are reported, and the services keep running.
 * @param {object} options
 * @param {(services: ServiceEntry[]) => Promise<void>} options.restart
 * @param {import('./report.mjs').Report} options.report
 * @param {AbortSignal} options.signal
 */
export function watchSources({ restart, report, signal }) {
  /** @type {Set<ServiceEntry>} */
  const changed = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let working = Promise.resolve();

  async function apply() {
    const services = [...changed];
    changed.clear();
    if (services.length === 0 || signal.aborted) return;
    try {
      await report.step('Building', () => build(signal));
      await restart(services);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ExplainedError)) throw error;
      report.warn(error.message);
    }
  }

  for (const [directory, services] of watched()) {
    watch(directory, { recursive: true, signal }, () => {
      for (const service of services) changed.add(service);
      clearTimeout(timer);
      timer = setTimeout(() => {
        working = working.then(apply);
      }, SETTLE_MS);
    });
  }
}

/** @returns {[string, ServiceEntry[]][]} each directory of sources, and the services that are built from it */
function watched() {
  /** @type {[string, ServiceEntry[]][]} */
  const kit = readdirSync(join(ROOT, 'shared')).map((name) => [join(ROOT, 'shared', name, 'src'), SERVICES]);
  /** @type {[string, ServiceEntry[]][]} */
  const own = SERVICES.map((service) => [join(ROOT, 'services', service.name, 'src'), [service]]);
  return [...kit, ...own].filter(([directory]) => existsSync(directory));
}
