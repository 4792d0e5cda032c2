import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Letter, Letters } from '../../application/mailer.ts';
import { MAIL_VALUES } from '../../domain/delivery.ts';
import type { MailKind } from '../../domain/mail.ts';
import { notificationErrors } from '../../domain/notification-errors.ts';
import { placeholdersOf, renderHtml, renderText } from './render.ts';

/** The service's templates. The relative path is the same in `src` and `dist`. */
export const TEMPLATES = join(import.meta.dirname, '../../../templates');

const HEAD = /^Subject: (.+)\n\n/;

/**
 * Loads the templates of all kinds of mail: `<kind>.txt`, which begins with a line `Subject: …` and an empty line, and `<kind>.html`.
 * @throws `MAIL_TEMPLATE_INVALID` when a template is missing, has no subject, or uses a value that its kind does not have
 */
export function loadLetters(directory: string = TEMPLATES): Letters {
  const kinds = Object.keys(MAIL_VALUES) as MailKind[];
  const templates = new Map(kinds.map((kind) => [kind, loadTemplate(directory, kind)]));
  return {
    write(kind, values) {
      const { subject, text, html } = templates.get(kind) as Letter;
      return { subject: renderText(subject, values), text: renderText(text, values), html: renderHtml(html, values) };
    },
  };
}

function loadTemplate(directory: string, kind: MailKind): Letter {
  const file = readTemplate(directory, `${kind}.txt`, kind);
  const [head = '', subject] = HEAD.exec(file) ?? [];
  if (subject === undefined)
    throw notificationErrors.MAIL_TEMPLATE_INVALID(`${kind}.txt must begin with "Subject: …" and an empty line`);
  return { subject, text: file.slice(head.length), html: readTemplate(directory, `${kind}.html`, kind) };
}

function readTemplate(directory: string, name: string, kind: MailKind): string {
  const template = readFile(join(directory, name));
  const known: readonly string[] = MAIL_VALUES[kind];
  const unknown = placeholdersOf(template).filter((placeholder) => !known.includes(placeholder));
  if (unknown.length === 0) return template;
  const message = `${name} uses ${unknown.join(', ')}; a mail of this kind has ${known.join(', ')}`;
  throw notificationErrors.MAIL_TEMPLATE_INVALID(message);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw notificationErrors.MAIL_TEMPLATE_INVALID(`${path} cannot be read`, { cause });
  }
}
