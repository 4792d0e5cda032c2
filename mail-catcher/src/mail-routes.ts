import { httpErrors, type Route, type RouteHandler } from '@warren/http';
import type { CaughtMail, Mailbox } from './mailbox.ts';
import { listPage, mailPage } from './pages.ts';

/** Allows no scripts and no fetches, not even in the frame of a mail, which inherits this policy. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";

/** The HTML pages for people, and the mails as JSON for tests. */
export function createMailRoutes(mailbox: Mailbox): Route[] {
  const asPage =
    (render: (id: string) => string): RouteHandler =>
    (req, res) => {
      res.set({ 'Content-Security-Policy': POLICY, 'Content-Type': 'text/html; charset=utf-8' });
      res.send(render(String(req.params.id)));
    };
  const find = (id: string): CaughtMail => {
    const mail = mailbox.find(Number(id));
    if (mail) return mail;
    throw httpErrors.ROUTE_NOT_FOUND(`there is no mail ${id}, or it is no longer kept`);
  };
  return [
    { path: '/', methods: { GET: asPage(() => listPage(mailbox.list())) } },
    { path: '/mails', methods: { GET: (_req, res) => void res.json({ items: mailbox.list() }) } },
    { path: '/mails/:id', methods: { GET: (req, res) => void res.json(find(String(req.params.id))) } },
    { path: '/mails/:id/page', methods: { GET: asPage((id) => mailPage(find(id))) } },
  ];
}
