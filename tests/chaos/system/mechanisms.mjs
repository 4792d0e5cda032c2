/*
 * The mechanisms that the suite can run the services without (`--without <name>`), to show that it would notice. Each has a compiled file and
 * the texts in it to replace. A text that is no longer there is an error, so the list cannot rot unnoticed.
 *
 * | name | without it |
 * |---|---|
 * | inbox | a message counts as new however often it comes |
 * | confirms | a message counts as confirmed once it has been written to the socket |
 * | relay-windows | the relay reads up to the newest transaction id instead of the oldest open one |
 * | stream-order | the relay publishes nothing ahead of its reader, and each page of the log newest first |
 * | row-locks | neither the lock on the levels nor the condition of the update: together they keep one promise, never oversold |
 * | mandatory | the broker silently drops what no queue takes |
 * | deadline | nobody looks for overdue orders |
 * | deadline-confirm | the deadline counts from when an order was placed, not from the confirm of its creation |
 * | deadline-consumer | the deadline also counts while nobody consumes the answer queues |
 * | deadline-answers | answers already given are not waited for |
 * | refused-kinds | each event of a refused kind is still sent once |
 * | stream-served | a new connection publishes at once, even while the broker does not serve the stream of all events yet |
 * | payment-key | the gateway is called under a new key on each try |
 * | mail-claim | a claimed mail can be claimed by others too |
 * | email-claim | an email address is never claimed |
 */

/** @type {Record<string, {file: string, cuts: [from: string, to: string][]}>} */
export const MECHANISMS = {
  inbox: {
    file: '/event-store/dist/log/claim-messages.js',
    cuts: [['claimed.has(id.toLowerCase())', 'true']],
  },
  confirms: {
    file: '/event-bus/dist/amqp/confirm-window.js',
    cuts: [['this.#sent.add(pending);', "pending.settle({ status: 'confirmed' });"]],
  },
  'relay-windows': {
    file: '/event-store/dist/relay/relay-reader.js',
    cuts: [
      [
        'pg_snapshot_xmin(pg_current_snapshot()) AS window_end',
        'pg_snapshot_xmax(pg_current_snapshot()) AS window_end',
      ],
    ],
  },
  'stream-order': {
    file: '/event-store/dist/relay/send-window.js',
    cuts: [
      ['!accept(event, tx)', 'true'],
      ['of fresh)', 'of fresh.reverse())'],
    ],
  },
  'row-locks': {
    file: '/inventory/dist/adapters/postgres/stock-tables.js',
    cuts: [
      ['ORDER BY product_id FOR UPDATE', 'ORDER BY product_id'],
      [' AND level.available >= move.needed', ''],
    ],
  },
  mandatory: {
    file: '/event-bus/dist/event-codec.js',
    cuts: [[' mandatory,', ' mandatory: false,']],
  },
  deadline: {
    file: '/service/dist/deadlines/create-deadlines.js',
    cuts: [['await watch.look(signal)', '0']],
  },
  'deadline-confirm': {
    file: '/event-store/dist/deadlines/overdue.js',
    cuts: [
      ["isConfirmed(event, 'stand')", "'waiting.created_at <= $1'"],
      ['CROSS JOIN LATERAL (SELECT * FROM stand OFFSET 0) stand', ''],
      ['waiting.position <= (SELECT bound FROM stand)', 'true'],
    ],
  },
  'deadline-consumer': {
    file: '/service/dist/deadlines/deadline-watch.js',
    cuts: [['consumedSince !== null && consumedSince.getTime() <= until.getTime() - deadline.limitMs', 'true']],
  },
  'deadline-answers': {
    file: '/service/dist/deadlines/deadline-watch.js',
    cuts: [
      [
        'const states = await unlessAborted(answers.caughtUp(), signal);',
        'for (const search of searches) await search.decide(seen, seen.now, signal); return; const states = undefined;',
      ],
    ],
  },
  'refused-kinds': {
    file: '/event-store/dist/relay/parking.js',
    cuts: [['streams.size === 0 ? undefined : lanes.refusalOf(kindOf(event))', 'undefined']],
  },
  'stream-served': {
    file: '/event-bus/dist/amqp/amqp-broker.js',
    cuts: [['await this.#bindings.bindOptional(model);', '']],
  },
  'payment-key': {
    file: '/payment/dist/application/settle-payment.js',
    cuts: [['idempotencyKey: orderId,', "idempotencyKey: orderId + '/' + Math.random(),"]],
  },
  'mail-claim': {
    file: '/notification/dist/adapters/postgres/mail-table.js',
    cuts: [
      ["due_at = now() + interval '1 millisecond' *", "due_at = now() + interval '0' *"],
      [' FOR UPDATE SKIP LOCKED', ''],
    ],
  },
  'email-claim': {
    file: '/user/dist/domain/user.js',
    cuts: [['shared: emailHolders', 'shared: { keysOf: () => [], changes: () => [] }']],
  },
};
