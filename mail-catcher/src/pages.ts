import { escapeHtml } from '@warren/http';
import type { CaughtMail } from './mailbox.ts';

const STYLE = `body{font-family:sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3em .8em .3em 0;border-bottom:1px solid #ddd}pre{white-space:pre-wrap;background:#f6f6f6;padding:1em}
iframe{width:100%;height:30em;border:1px solid #ddd}`;

function page(title: string, body: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}<title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** All mails, newest first. Reloads every five seconds. */
export function listPage(mails: readonly CaughtMail[]): string {
  const rows = mails.map(
    ({ id, receivedAt, to, subject }) =>
      `<tr><td>${escapeHtml(receivedAt)}</td><td>${escapeHtml(to)}</td><td><a href="/mails/${id}/page">${escapeHtml(subject || '(no subject)')}</a></td></tr>`,
  );
  const table = `<table><tr><th>Received</th><th>To</th><th>Subject</th></tr>${rows.join('')}</table>`;
  const body = `<h1>Mails</h1>${mails.length === 0 ? '<p>None yet.</p>' : table}`;
  return page('Mails', body, '<meta http-equiv="refresh" content="5">');
}

/** One mail. Its HTML is untrusted, so it is shown in a fully sandboxed frame. */
export function mailPage({ subject, from, to, receivedAt, messageId = '', text, html }: CaughtMail): string {
  const facts = Object.entries({ From: from, To: to, Received: receivedAt, 'Message-ID': messageId });
  const rows = facts.map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`);
  const frame = html === undefined ? '' : `<h2>HTML</h2><iframe sandbox="" srcdoc="${escapeHtml(html)}"></iframe>`;
  const body = `<p><a href="/">All mails</a></p><h1>${escapeHtml(subject || '(no subject)')}</h1>
<table>${rows.join('')}</table><h2>Text</h2><pre>${escapeHtml(text)}</pre>${frame}`;
  return page(subject, body);
}
