import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { EXCHANGES } from '@shop/events/topology';
import '@warren/event-bus';
import '@warren/event-store';
import '@warren/http';
import { alertCatalogue, errorCatalogue } from '@warren/kernel';
import '@warren/service';
import '../../cli/src/cli-errors.ts';
import '../../services/analytics/src/domain/analytics-errors.ts';
import '../../services/inventory/src/domain/inventory-errors.ts';
import '../../services/notification/src/domain/notification-errors.ts';
import '../../services/order/src/domain/order-errors.ts';
import '../../services/payment/src/domain/payment-errors.ts';
import '../../services/user/src/domain/user-errors.ts';
import { SHOP_QUEUES } from '../program/shop-queues.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The rows of a Markdown document's tables whose first cell is a name in capitals. */
const rowsOf = (text: string): string[] => text.split('\n').filter((line) => /^\| `[A-Z][A-Z_]+` \|/.test(line));

describe('the documentation', () => {
  it('when an error can be met, then docs/errors.md has its code, kind and meaning, and no others', () => {
    const expected = [...errorCatalogue()].map(
      ([code, { kind, meaning }]) => `| \`${code}\` | \`${kind}\` | ${meaning} |`,
    );
    expect(rowsOf(read('docs/errors.md')).toSorted()).toEqual(expected.toSorted());
  });

  it('when an alert can be raised, then docs/operations.md says of it what the log says, and has no others', () => {
    const page = /^## Alerts$(.*?)^## /ms.exec(read('docs/operations.md'))?.[1] ?? '';
    const expected = [...alertCatalogue()].map(
      ([code, { severity, meaning, action }]) => `| \`${code}\` | \`${severity}\` | ${meaning} | ${action} |`,
    );
    expect(rowsOf(page).toSorted()).toEqual(expected.toSorted());
  });

  it('when docs/operations.md quotes the log, then a service logs that', () => {
    const quotes = [...read('docs/operations.md').matchAll(/\blog (?:says|names|has)[^|"]*"([^"]+)"/g)].map(
      ([, quote = '']) => quote,
    );
    expect(quotes.length).toBeGreaterThan(3);
    const code = sources();
    expect(quotes.filter((quote) => !code.includes(quote))).toEqual([]);
  });

  it('when a queue has bindings, then the picture of the system has them, and no others', () => {
    const picture = /## The system.*?```mermaid(.*?)```/s.exec(read('docs/architecture.md'))?.[1] ?? '';
    const exchanges = new Map([...picture.matchAll(/(\w+)\{\{(\w+)\}\}/g)].map(([, node, name]) => [node, name]));
    const drawn = [...picture.matchAll(/(\w+) -- "([^"#]+)" --> (\w+)\[\[\3\]\]/g)].flatMap(
      ([, node, keys = '', queue]) => keys.split(', ').map((key) => `${exchanges.get(node)} ${key} ${queue}`),
    );
    const declared = SHOP_QUEUES.flatMap(({ queue, bindings }) =>
      bindings.map(({ exchange, routingKey }) => `${exchange} ${routingKey} ${queue}`),
    );
    expect(drawn.toSorted()).toEqual(declared.toSorted());
    expect([...exchanges.values()].toSorted()).toEqual(Object.values(EXCHANGES).toSorted());
  });

  it('when OTEL_EXPORTER_OTLP_ENDPOINT is a setting of all services, then all of them begin with createTracing', () => {
    const [, first] = /const components = \[\s*(\w+)\(/.exec(read('shared/service/src/create-service.ts')) ?? [];
    expect(first).toBe('createTracing');
  });

  it.each(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...documents()])(
    'when %s links to a file, then it exists',
    (path) => {
      const links = [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)/g)].map(
        (match) => match[1] ?? '',
      );
      const broken = links.filter((link) => !existsSync(join(root, dirname(path), link)));
      expect(broken).toEqual([]);
    },
  );

  it('when a reader follows one order, then each file is there, and one before it in its service leads to it', () => {
    const page = /^## Follow one order$(.*?)^## /ms.exec(read('docs/architecture.md'))?.[1] ?? '';
    const files = [...page.matchAll(/^\d+\. `(\S+)`/gm)].map(([, file = '']) => file);
    expect(files).toHaveLength(12);
    const missing = files.filter((file, at) => {
      if (file.endsWith('/service.ts')) return !existsSync(join(root, file));
      const service = file.slice(0, file.indexOf('/src/'));
      const before = files.slice(0, at).filter((one) => one.startsWith(service));
      return !before.some((one) => read(one).includes(`/${file.split('/').at(-1)}'`));
    });
    expect(missing).toEqual([]);
  });
});

function documents(): string[] {
  const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`);
}

/** The sources of the kit and of the services, without their tests. */
function sources(): string {
  const files = ['shared', 'services'].flatMap((folder) =>
    readdirSync(join(root, folder)).flatMap((name) => {
      const src = join(folder, name, 'src');
      if (!existsSync(join(root, src))) return [];
      return readdirSync(join(root, src), { recursive: true, encoding: 'utf8' }).map((file) => join(src, file));
    }),
  );
  return files
    .filter((file) => file.endsWith('.ts'))
    .map(read)
    .join('\n');
}
