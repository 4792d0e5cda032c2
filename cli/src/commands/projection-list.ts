import { loadReadModels } from '../declarations.ts';
import { formatJson } from '../format-json.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export interface ProjectionListOptions {
  json?: true;
}

/** `warren projection list`: the projections that can be rebuilt. */
export async function listProjections(terminal: Terminal, { json }: ProjectionListOptions): Promise<void> {
  const models = await loadReadModels(terminal.services);
  const rows = models.map(({ service, name, schema, projection: { tables } }) => ({
    service,
    projection: name,
    schema,
    tables,
  }));
  if (json) terminal.out(formatJson(rows));
  else
    terminal.out(
      formatTable(rows, [
        { title: 'PROJECTION', value: (row) => row.projection },
        { title: 'SERVICE', value: (row) => row.service },
        { title: 'TABLES', value: (row) => row.tables.map((table) => `${row.schema}.${table}`).join(', ') },
      ]),
    );
}
