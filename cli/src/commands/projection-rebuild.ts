import { createPool, type RebuildProgress, type RebuildResult, rebuildProjection } from '@warren/event-store';
import { isAppError } from '@warren/kernel';
import type { Command } from 'commander';
import { addressOf, hostOf } from '../addresses.ts';
import { cliErrors } from '../cli-errors.ts';
import { createProgress, type Progress } from '../progress.ts';
import { findReadModel, listReadModels, type ReadModel } from '../read-models.ts';
import type { Terminal } from '../terminal.ts';

const DETAILS = `
It runs beside the services, which notice nothing but a moment's wait at the end. It may be interrupted at any point: the table in use
stays as it is, and the next rebuild removes what is left.`;

/** `warren projection rebuild`: makes a read model anew from the log while the services run. */
export function addProjectionRebuild(projection: Command, terminal: Terminal): void {
  projection
    .command('rebuild')
    .description('make a read model anew from the event log, while the services run')
    .argument('<name>', 'the name of the projection')
    .option('--service <name>', 'the service that it is of, where more than one has that name')
    .option('--json', 'print {service, projection, events, seconds, eventsPerSecond}')
    .addHelpText('after', DETAILS)
    .action(async (name: string, { service, json }: { service?: string; json?: true }) => {
      const readModel = findReadModel(listReadModels(), name, service);
      const { events, durationMs } = await rebuild(readModel, terminal);
      const seconds = Math.round(durationMs) / 1000;
      const eventsPerSecond = Math.round((events * 1000) / Math.max(1, durationMs));
      const summary = { service: readModel.service, projection: name, events, seconds, eventsPerSecond };
      if (json) terminal.out(`${JSON.stringify(summary, null, 2)}\n`);
      else terminal.out(`${name}: made anew from ${events} events in ${seconds} s (${eventsPerSecond} events/s)\n`);
    });
}

async function rebuild({ schema, projection }: ReadModel, terminal: Terminal): Promise<RebuildResult> {
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
