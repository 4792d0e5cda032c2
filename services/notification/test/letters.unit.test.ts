import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadLetters, TEMPLATES } from '../src/adapters/templates/load-letters.ts';
import { MAIL_VALUES } from '../src/domain/delivery.ts';
import type { MailKind } from '../src/domain/mail.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'letters-'));
  cpSync(TEMPLATES, directory, { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const broken = (file: string, text: string) => () => {
  writeFileSync(join(directory, file), text);
  return loadLetters(directory);
};

describe('the letters of the service', () => {
  it.each(Object.keys(MAIL_VALUES) as MailKind[])(
    'when a %s mail is written, then it has every value that it can have',
    (kind) => {
      const values = Object.fromEntries(MAIL_VALUES[kind].map((name) => [name, `<${name}>`]));
      const { subject, text, html } = loadLetters().write(kind, values);
      for (const name of MAIL_VALUES[kind]) {
        expect(text).toContain(`<${name}>`);
        expect(html).toContain(`&lt;${name}&gt;`);
        expect(html).not.toContain(`<${name}>`);
      }
      expect(subject).not.toMatch(/[{}\n]/);
      expect(text).not.toContain('Subject:');
    },
  );

  it('when a template uses a value that its mail does not have, then nothing starts, and the message lists the values it has', () => {
    expect(broken('welcome.html', '<p>{{name}}, {{total}}</p>')).toThrow(
      'welcome.html uses total; a mail of this kind has name',
    );
  });

  it('when a template has no subject, then nothing starts', () => {
    expect(broken('welcome.txt', 'Hello {{name}}')).toThrow('welcome.txt must begin with "Subject: …"');
  });

  it('when a template is missing, then nothing starts, and the message names the file', () => {
    rmSync(join(directory, 'cancelled.html'));
    expect(() => loadLetters(directory)).toThrow(/cancelled\.html cannot be read/);
  });
});
