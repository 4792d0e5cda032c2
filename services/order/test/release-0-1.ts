import pg from 'pg';

/**
 * An order as release 0.1 left it, recorded from its running code (commit 483d10c, the last one before `OrderCreated` had a second version)
 * with its clock put back: what it wrote, not what we think that it wrote.
 */
export const RELEASE_0_1_ORDER = {
  /** Body of its message on `orders` / `order.created`, byte for byte. */
  message:
    '{"id":"01946967-d52a-7787-83ee-fee492073cea","timestamp":"2025-01-15T10:00:00.042Z","aggregateId":"01946967-d529-71a7-80e9-a379332866f9","metadata":{"correlationId":"01946967-d51c-7294-beae-cdc704e19adc","causationId":"01946967-d51c-7294-beae-cdc704e19adc","source":"order"},"type":"OrderCreated","version":1,"data":{"id":"01946967-d529-71a7-80e9-a379332866f9","customerId":"customer-1","items":[{"productId":"item1","quantity":2,"price":10}],"totalAmount":20,"status":"pending","createdAt":"2025-01-15T10:00:00.042Z"}}',
  /** Its row in `events`, without what the database gives each row. */
  logRow: {
    stream_id: 'order-01946967-d529-71a7-80e9-a379332866f9',
    stream_version: 1,
    event_id: '01946967-d52a-7787-83ee-fee492073cea',
    type: 'OrderCreated',
    schema_version: 1,
    aggregate_id: '01946967-d529-71a7-80e9-a379332866f9',
    occurred_at: '2025-01-15T10:00:00.042+00:00',
    data: {
      id: '01946967-d529-71a7-80e9-a379332866f9',
      customerId: 'customer-1',
      items: [
        {
          productId: 'item1',
          quantity: 2,
          price: 10,
        },
      ],
      totalAmount: 20,
      status: 'pending',
      createdAt: '2025-01-15T10:00:00.042Z',
    },
    metadata: {
      correlationId: '01946967-d51c-7294-beae-cdc704e19adc',
      causationId: '01946967-d51c-7294-beae-cdc704e19adc',
      source: 'order',
    },
    routing_key: 'order.created',
  },
  /** Its row in `orders`. */
  row: {
    id: '01946967-d529-71a7-80e9-a379332866f9',
    customer_id: 'customer-1',
    items: [
      {
        productId: 'item1',
        quantity: 2,
        price: 10,
      },
    ],
    total_amount: 20,
    status: 'pending',
    reason: null,
    version: 1,
    created_at: '2025-01-15T10:00:00.042+00:00',
    updated_at: '2025-01-15T10:00:00.042+00:00',
    deadline_at: '2025-01-15T10:01:00.042+00:00',
  },
};

/** Puts {@link RELEASE_0_1_ORDER} into the tables of the order service, unpublished and unanswered, as if the upgrade had come in that moment. */
export async function leaveOrderOfRelease01(databaseUrl: string): Promise<void> {
  const { logRow, row } = RELEASE_0_1_ORDER;
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c search_path=order_service' });
  await client.connect();
  const insert = (table: string, values: object) => {
    const columns = Object.keys(values).join(', ');
    const text = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_record(NULL::${table}, $1)`;
    return client.query(text, [JSON.stringify(values)]);
  };
  try {
    await client.query('BEGIN');
    await insert('orders', { ...row, deadline_at: new Date(Date.now() + 600_000).toISOString() });
    await insert('events', logRow);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
