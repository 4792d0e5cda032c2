import type { SettingsSpec } from '@warren/kernel';
import { settingsOf } from '@warren/service';
import { declaredServices } from './topologies.ts';

const INTRODUCTION = `# Settings

By environment variables. A wrong setting stops the service at once, with every fault in one message. \`npm start\` sets \`AMQP_URL\` and
\`DATABASE_URL\` where you do not, and reads \`DATA_DIR\` (\`.data\`), \`MAIL_CATCHER_PORT\` (8025) and \`MAIL_CATCHER_SMTP_PORT\` (1025).
\`npm run generate\` writes this page from what the services declare.

| setting | default | what it does | service |
|---|---|---|---|
`;

/** docs/settings.md: every setting of every service, those of several services once. */
export async function generateSettingsPage(): Promise<string> {
  const services = (await declaredServices()).toSorted((one, other) => one.port - other.port);
  const rows = new Map<string, string[]>();
  for (const service of services) {
    for (const { env, doc, default: value } of Object.values<SettingsSpec[string]>(settingsOf(service))) {
      const row = `| \`${env}\` | ${shown(value)} | ${doc} |`;
      rows.set(row, [...(rows.get(row) ?? []), service.name]);
    }
  }
  const lines = [...rows].map(
    ([row, by]) => `${row} ${by.length === services.length ? 'all' : by.toSorted().join(', ')} |\n`,
  );
  return INTRODUCTION + lines.join('');
}

function shown(value: unknown): string {
  if (value === undefined) return 'required';
  if (value === '') return 'none';
  if (!Array.isArray(value)) return `\`${value}\``;
  const lines = value as { productId: string; quantity: number }[];
  return `\`${lines.map((line) => `${line.productId}:${line.quantity}`).join(',')}\``;
}
