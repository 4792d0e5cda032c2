import { addressOf } from '../addresses.ts';
import { buildCausalTrees, type CausalNode, type Handling, isAbout, type LoggedEvent } from '../causal-tree.ts';
import { loadServices } from '../declarations.ts';
import { readHistory } from '../event-logs.ts';
import { formatJson } from '../format-json.ts';
import type { UnreadableRow } from '../logged-events.ts';
import { type Column, formatTable, printable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { formatSpan } from '../timeline.ts';

export interface TraceOptions {
  json?: true;
}

/** `warren trace <id>`: the events of a request or an aggregate across all services, as a tree of causes. */
export async function showTrace(terminal: Terminal, id: string, { json }: TraceOptions): Promise<void> {
  const databaseUrl = addressOf('database', terminal.env);
  const history = await readHistory(databaseUrl, await loadServices(terminal.services), id);
  const { correlationIds, streams, events, handlings, unreadable } = history;
  const isMeant = (event: LoggedEvent) => streams.includes(event.streamId) || event.aggregateId === id;
  const all = buildCausalTrees(events, handlings);
  const trees = streams.length === 0 ? all : all.filter((tree) => isAbout(tree, isMeant));
  const traceIds = [...new Set(events.flatMap(({ traceId }) => traceId ?? []))];
  const start = trees[0]?.event.time ?? new Date(0);
  const found = { correlationIds, traceIds, start, trees, unreadable };
  terminal.out(json ? formatJson(toJson(found)) : format(found));
}

interface Found {
  correlationIds: readonly string[];
  traceIds: readonly string[];
  /** Time of the first event. */
  start: Date;
  trees: readonly CausalNode[];
  unreadable: readonly UnreadableRow[];
}

function toJson({ correlationIds, traceIds, start, trees, unreadable }: Found): object {
  const afterMs = (time: Date) => time.getTime() - start.getTime();
  const handling = ({ consumer, time }: Handling) => ({ consumer, time, afterMs: afterMs(time) });
  const node = ({ event, note, handled, children }: CausalNode): object => {
    const { messageIds, traceId, ...shown } = event;
    const facts = { ...shown, afterMs: afterMs(event.time), ...(note !== undefined && { note }) };
    return { ...facts, handled: handled.map(handling), children: children.map(node) };
  };
  return { correlationIds, traceIds, startedAt: start, events: trees.map(node), unreadable };
}

/** The line of a node: `branches` draws the tree to the left of it. */
interface Line {
  branches: string;
  node: CausalNode;
}

function format({ correlationIds, traceIds, start, trees, unreadable }: Found): string {
  const after = (time: Date) => {
    const ms = time.getTime() - start.getTime();
    return `${ms < 0 ? '-' : '+'}${formatSpan(Math.abs(ms))}`;
  };
  const lines = trees.flatMap((node): Line[] => [{ branches: '', node }, ...linesBelow(node, '')]);
  const columns: Column<Line>[] = [
    { title: 'EVENT', value: ({ branches, node: { event } }) => `${branches}${nameOf(event)}` },
    { title: 'SERVICE', value: ({ node }) => node.event.service },
    { title: 'TIME', value: (line) => (line === lines[0] ? start.toISOString() : after(line.node.event.time)) },
    {
      title: 'HANDLED BY',
      value: ({ node }) => node.handled.map(({ consumer, time }) => `${consumer} ${after(time)}`).join(', '),
    },
  ];
  if (lines.some(({ node }) => node.note)) columns.push({ title: 'NOTE', value: ({ node }) => node.note ?? '' });
  const ids = [...correlationIds.map((id) => `request  ${id}`), ...traceIds.map((id) => `trace    ${id}`)];
  return `${ids.map(printable).join('\n')}\n\n${formatTable(lines, columns)}${formatUnreadable(unreadable)}`;
}

function formatUnreadable(rows: readonly UnreadableRow[]): string {
  if (rows.length === 0) return '';
  const table = formatTable(rows, [
    { title: 'SCHEMA', value: (row) => row.schema },
    { title: 'POSITION', value: (row) => row.position, align: 'right' },
    { title: 'STREAM', value: (row) => `${row.streamId} v${row.streamVersion}` },
    { title: 'EVENT', value: (row) => row.type },
    { title: 'WHY', value: (row) => row.reason },
  ]);
  return `\nRows that cannot be read, and are missing above:\n${table}`;
}

function linesBelow({ children }: CausalNode, indent: string): Line[] {
  return children.flatMap((node, index) => {
    const isLast = index === children.length - 1;
    const line = { branches: `${indent}${isLast ? '└─ ' : '├─ '}`, node };
    return [line, ...linesBelow(node, `${indent}${isLast ? '   ' : '│  '}`)];
  });
}

const nameOf = ({ type, version }: CausalNode['event']): string => (version === 1 ? type : `${type} v${version}`);
