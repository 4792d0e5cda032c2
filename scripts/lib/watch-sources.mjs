import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { ExplainedError } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';
import { build } from './prepare.mjs';
import { servicesOf } from './services.mjs';

const SETTLE_MS = 150;

/**
 * Builds and restarts the services when a source file changes: all of them for the kit and the events, one for its own sources. Sources that do not
 * compile are reported, and what runs goes on.
 * @param {object} options
 * @param {(services: import('./services.mjs').ServiceName[]) => Promise<void>} options.restart
 * @param {import('./report.mjs').Report} options.report
 * @param {AbortSignal} options.signal
 */
export function watchSources({ restart, report, signal }) {
  /** @type {Set<import('./services.mjs').ServiceName>} */
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

/** @returns {[string, import('./services.mjs').ServiceName[]][]} each directory of sources, and the services that are built from it */
function watched() {
  const services = servicesOf({ all: true });
  const kit = ['kernel', 'contracts', 'event-bus', 'event-store', 'http', 'service'];
  /** @type {[string, import('./services.mjs').ServiceName[]][]} */
  const all = [];
  for (const name of kit) all.push([join(ROOT, 'shared', name, 'src'), services]);
  all.push([join(ROOT, 'services', 'events', 'src'), services]);
  for (const name of services) all.push([join(ROOT, 'services', name, 'src'), [name]]);
  return all.filter(([directory]) => existsSync(directory));
}
