import type { Command } from 'commander';
import { listReadModels } from '../read-models.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

/** `warren projection list`: what can be rebuilt. */
export function addProjectionList(projection: Command, terminal: Terminal): void {
  projection
    .command('list')
    .description('the read models that can be rebuilt')
    .option('--json', 'print an array of {service, projection, schema, tables}')
    .action(({ json }: { json?: true }) => {
      const rows = listReadModels().map(({ service, schema, projection: { name, tables } }) => ({
        service,
        projection: name,
        schema,
        tables,
      }));
      if (json) terminal.out(`${JSON.stringify(rows, null, 2)}\n`);
      else
        terminal.out(
          formatTable(rows, [
            { title: 'PROJECTION', value: (row) => row.projection },
            { title: 'SERVICE', value: (row) => row.service },
            { title: 'TABLES', value: (row) => row.tables.map((table) => `${row.schema}.${table}`).join(', ') },
          ]),
        );
    });
}
