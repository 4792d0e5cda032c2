import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { alertCatalogue, createAlerts, createLogger, createMetricsRegistry, defineAlerts } from '../src/index.ts';

const { TEA_REFUSED } = defineAlerts({
  TEA_REFUSED: { severity: 'degraded', meaning: 'the pot refuses tea', action: 'Use another pot.' },
});

function loggedAlerts() {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const metrics = createMetricsRegistry('test', { collectDefaults: false });
  return { lines, metrics, alerts: createAlerts({ logger: createLogger({ service: 'test', destination }), metrics }) };
}

describe('createAlerts', () => {
  it('when a condition is reported repeatedly, then there is one log line and one alert with the latest reason and a count', async () => {
    const { alerts, lines, metrics } = loggedAlerts();
    for (const reason of ['full', 'cracked', 'gone']) alerts.raise(TEA_REFUSED, { subject: 'pot', reason });
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        code: 'TEA_REFUSED',
        subject: 'pot',
        reason: 'full',
        action: 'Use another pot.',
        msg: 'the pot refuses tea',
      }),
    ]);
    expect(alerts.active()).toEqual([
      expect.objectContaining({ code: 'TEA_REFUSED', severity: 'degraded', reason: 'gone', count: 3 }),
    ]);
    const text = await metrics.metrics();
    expect(text).toContain('warren_alerts{code="TEA_REFUSED",service="test"} 1');
    expect(text).toContain('warren_alert_reports_total{code="TEA_REFUSED",service="test"} 3');
  });

  it('when a condition is over, then one line says how long it lasted, and the alert is no longer active', async () => {
    const { alerts, lines, metrics } = loggedAlerts();
    alerts.raise(TEA_REFUSED, { subject: 'pot', reason: 'full' });
    alerts.raise(TEA_REFUSED, { subject: 'cup', reason: 'full' });
    for (let times = 0; times < 2; times += 1) alerts.clear(TEA_REFUSED, 'pot');
    expect(lines.slice(2)).toEqual([
      expect.objectContaining({ level: 'info', subject: 'pot', count: 1, lastedMs: expect.any(Number) }),
    ]);
    expect(alerts.active().map(({ subject }) => subject)).toEqual(['cup']);
    expect(await metrics.metrics()).toContain('warren_alerts{code="TEA_REFUSED",service="test"} 1');
  });

  it('when an alert is declared, then the catalogue lists it', () => {
    expect(alertCatalogue().get('TEA_REFUSED')).toBe(TEA_REFUSED);
  });
});
