/** A column of a human-readable table. */
export interface Column<Row> {
  title: string;
  value(row: Row): string | number;
  /** `right` for numbers. @default 'left' */
  align?: 'left' | 'right';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be replaced
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** Text from a message or a database, safe to print on a terminal. */
export function printable(value: string | number): string {
  return String(value).replace(CONTROL, '\uFFFD');
}

/** Aligns rows under their titles, with two spaces between columns and none at line ends. */
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
