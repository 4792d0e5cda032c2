import { escapeHtml } from '@warren/http';
import type { MailValues } from '../../domain/delivery.ts';

const PLACEHOLDER = /\{\{(\w+)\}\}/g;

/** The names of the placeholders in a template, each once. */
export function placeholdersOf(template: string): string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name))];
}

/** Replaces each `{{name}}` by its value. Placeholders inside values are not replaced. */
export function renderText(template: string, values: MailValues): string {
  return template.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '');
}

/** The same for HTML: values are escaped, so that they show as plain text, in quoted attributes too. */
export function renderHtml(template: string, values: MailValues): string {
  return template.replace(PLACEHOLDER, (_, name: string) => escapeHtml(values[name] ?? ''));
}
