import { createPool, type RebuildProgress, type RebuildResult, rebuildProjection } from '@warren/event-store';
import { isAppError } from '@warren/kernel';
import { addressOf, hostOf } from '../addresses.ts';
import { cliErrors } from '../cli-errors.ts';
import { type DeclaredReadModel, findDeclared, loadReadModels } from '../declarations.ts';
import { formatJson } from '../format-json.ts';
import { createProgress, type Progress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';

export interface ProjectionRebuildOptions {
  /** The service that has the projection, in case several projections have that name. */
  service?: string;
  json?: true;
}

/** `warren projection rebuild`: rebuilds a read model from the log while the services run. */
export async function rebuildReadModel(
  terminal: Terminal,
  name: string,
  { service, json }: ProjectionRebuildOptions,
): Promise<void> {
  const readModel = findDeclared(await loadReadModels(terminal.services), { what: 'projection', name, service });
  const { events, durationMs } = await rebuild(readModel, terminal);
  const seconds = Math.round(durationMs) / 1000;
  const eventsPerSecond = Math.round((events * 1000) / Math.max(1, durationMs));
  const summary = { service: readModel.service, projection: name, events, seconds, eventsPerSecond };
  if (json) terminal.out(formatJson(summary));
  else terminal.out(`${name}: rebuilt from ${events} events in ${seconds} s (${eventsPerSecond} events/s)\n`);
}

async function rebuild({ schema, projection }: DeclaredReadModel, terminal: Terminal): Promise<RebuildResult> {
  const url = addressOf('database', terminal.env);
  const pool = createPool({ url, schema, applicationName: 'warren-cli' });
  const progress = createProgress(terminal, `rebuilding ${projection.name}`);
  try {
    return await rebuildProjection({ pool, projection, onProgress: (state) => show(progress, state) });
  } catch (error) {
    if (!isAppError(error) || error.code !== 'DATABASE_UNAVAILABLE') throw error;
    throw cliErrors.CLI_UNREACHABLE(`cannot use the database at ${hostOf(url)}: ${error.message}`, { cause: error });
  } finally {
    progress.end();
    await pool.end();
  }
}

function show(progress: Progress, { phase, done, total, eventsPerSecond }: RebuildProgress): void {
  progress.show(done, total, phase === 'replaying' ? `${eventsPerSecond} events/s` : phase);
}
