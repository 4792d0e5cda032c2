import { escapeHtml } from '@warren/http';
import type { MailValues } from '../../domain/delivery.ts';

const PLACEHOLDER = /\{\{(\w+)\}\}/g;

/** The names that a template asks for. */
export function placeholdersOf(template: string): string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name))];
}

/** Puts values in the place of `{{name}}`. What a value holds is never read as a placeholder. */
export function renderText(template: string, values: MailValues): string {
  return template.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '');
}

/** The same for HTML, where a value shows as the text that it is, also between the quotes of an attribute. */
export function renderHtml(template: string, values: MailValues): string {
  return template.replace(PLACEHOLDER, (_, name: string) => escapeHtml(values[name] ?? ''));
}
