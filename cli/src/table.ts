/** A column of a table for people. */
export interface Column<Row> {
  title: string;
  value(row: Row): string | number;
  /** Numbers stand on the right. @default 'left' */
  align?: 'left' | 'right';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be replaced
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** What stands in a message or a database, made harmless for a terminal. */
export function printable(value: string | number): string {
  return String(value).replace(CONTROL, '\uFFFD');
}

/** Lines up rows under their titles, with two blanks between columns and none at the ends of lines. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => printable(column.value(row)))),
  ];
  const widths = columns.map((_, index) => cells.reduce((width, line) => Math.max(width, line[index]?.length ?? 0), 0));
  const pad = (cell: string, index: number) =>
    columns[index]?.align === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0);
  return cells.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}
