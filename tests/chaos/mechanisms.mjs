/**
 * What the suite can run the services without (`--without <name>`), to show that it would notice: which compiled file, and which text of
 * it becomes which. A text that is no longer there is an error, so the list cannot rot unseen.
 * @type {Record<string, {file: string, from: string, to: string}>}
 */
export const MECHANISMS = {
  inbox: {
    file: '/event-store/dist/claim-messages.js',
    from: 'claimed.has(id.toLowerCase())',
    to: 'true',
  },
  confirms: {
    file: '/event-bus/dist/amqp/confirm-window.js',
    from: 'this.#sent.set(this.#lastTag, posting);',
    to: "posting.settle({ status: 'confirmed' });",
  },
  'relay-windows': {
    file: '/event-store/dist/relay/relay-reader.js',
    from: 'pg_snapshot_xmin(pg_current_snapshot()) AS window_end',
    to: 'pg_snapshot_xmax(pg_current_snapshot()) AS window_end',
  },
  'row-locks': {
    file: '/inventory/dist/adapters/postgres/stock-tables.js',
    from: 'ORDER BY product_id FOR UPDATE',
    to: 'ORDER BY product_id',
  },
  mandatory: {
    file: '/event-bus/dist/event-codec.js',
    from: ' mandatory,',
    to: ' mandatory: false,',
  },
};
