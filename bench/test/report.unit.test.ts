import { describe, expect, test } from '@jest/globals';
import { drawChart } from '../harness/chart.ts';
import { type BenchReport, formatNumber, formatReport } from '../harness/report.ts';

const environment = {
  processor: 'Some CPU',
  cores: 2,
  memoryGiB: 24,
  system: 'Linux 6.1',
  node: '20.20.2',
  rabbitmq: '3.10.8',
  postgres: '18.1',
  commit: 'abc1234',
};

const report: BenchReport = {
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: '2026-01-02T03:05:05.000Z',
  options: { only: ['bus'], rounds: 3, scale: 1, profile: false },
  environment,
  results: [
    {
      part: 'bus',
      name: 'publish <fast> & confirmed',
      unit: 'events/s',
      sides: [
        { name: 'warren', values: [41_000, 39_000, 40_000] },
        { name: 'raw', values: [50_000, 48_000, 52_000] },
      ],
      goals: [
        { what: 'of raw', value: 0.8, atLeast: 0.85 },
        { what: 'ms', value: 1.25, atMost: 2 },
        { what: 'of the others', value: 3 },
      ],
    },
  ],
};

describe('the report', () => {
  test('when goals are met and missed, then each says so with its figure and its bound', () => {
    const text = formatReport(report);
    expect(text).toContain('  warren     40,000 events/s  (39,000 to 41,000)');
    expect(text).toContain('  missed  0.8 of raw, goal ≥ 0.85');
    expect(text).toContain('  met     1.25 ms, goal ≤ 2');
    expect(text).toContain('          3 of the others\n');
    expect(text).toContain('1 of 2 goals met');
  });

  test('when the work is scaled down, then the figures are said to be no figures', () => {
    const small = { ...report, options: { ...report.options, scale: 0.1 } };
    expect(formatReport(small)).toContain('not for comparison');
    expect(formatReport(report)).not.toContain('not for comparison');
  });

  test.each([
    [42_310.4, '42,310'],
    [999.6, '1,000'],
    [14.23, '14.2'],
    [0.85349, '0.853'],
  ])('when a number is %d, then it reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  test('when drawn, then bars are as long as their medians and names are escaped', () => {
    const svg = drawChart(report);
    const widths = [...svg.matchAll(/<rect x="220" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toEqual([352, 440]);
    expect(svg).toContain('publish &lt;fast&gt; &amp; confirmed');
  });
});
