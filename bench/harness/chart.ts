import { type BenchReport, formatNumber } from './report.ts';
import type { Result } from './result.ts';
import { median } from './statistics.ts';

const WIDTH = 820;
const BAR_LEFT = 220;
const BAR_LONGEST = 440;
const LINE = 22;

/** The report as a picture (SVG): the results one below the other, a bar for the median of each side. */
export function drawChart({ results, environment, startedAt }: BenchReport): string {
  let top = 40;
  const groups = results.map((result) => {
    const drawn = drawResult(result, top);
    top += (result.sides.length + 2) * LINE;
    return drawn;
  });
  const { cores, processor, node, rabbitmq, postgres, commit } = environment;
  const where = `${cores} × ${processor}, Node ${node}, RabbitMQ ${rabbitmq}, Postgres ${postgres}`;
  const source = `${where}, commit ${commit ?? 'unknown'}, ${startedAt.slice(0, 10)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 10}" font-family="sans-serif" font-size="13">`,
    '<title>What npm run bench measured</title>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...groups.flat(),
    text(10, top - 6, source, 'font-size="11" fill="#666"'),
    '</svg>',
    '',
  ].join('\n');
}

function drawResult({ part, name, unit, sides }: Result, top: number): string[] {
  const longest = Math.max(...sides.map(({ values }) => median(values)));
  return [
    text(10, top, `${part}: ${name}`, 'font-weight="bold"'),
    ...sides.flatMap((side, index) => {
      const value = median(side.values);
      const baseline = top + (index + 1) * LINE;
      const width = ((value / longest) * BAR_LONGEST).toFixed(1);
      const colour = index === 0 ? '#0b6e4f' : '#9aa5b1';
      return [
        text(BAR_LEFT - 8, baseline, side.name, 'text-anchor="end"'),
        `<rect x="${BAR_LEFT}" y="${baseline - 12}" width="${width}" height="16" fill="${colour}"/>`,
        text(BAR_LEFT + Number(width) + 6, baseline, `${formatNumber(value)} ${unit}`),
      ];
    }),
  ];
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function text(x: number, y: number, content: string, more = ''): string {
  const escaped = content.replaceAll(/[&<>]/g, (character) => ENTITIES[character] ?? character);
  return `<text x="${x}" y="${y}" ${more}>${escaped}</text>`;
}
