interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

/** A database session. */
interface Session {
  query(text: string): Promise<{ rows: Record<string, unknown>[] }>;
}

/**
 * Returns the scans in the generic plans of the commits (statements of an event store that each are a whole transaction) that a session has
 * prepared: for each commit its scans, such as `Index Scan of orders by orders_pkey` or `Seq Scan of orders`.
 */
export async function scansOfCommits(session: Session): Promise<string[][]> {
  const prepared = await session.query(
    `SELECT name, cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE statement LIKE '%refuse_commit(%' ORDER BY name`,
  );
  const scans: string[][] = [];
  for (const { name, count } of prepared.rows) {
    const values = Array.from({ length: Number(count) }, () => 'NULL');
    const { rows } = await session.query(`EXPLAIN (FORMAT JSON) EXECUTE "${name}" (${values})`);
    const [{ Plan: plan }] = (rows[0] as { 'QUERY PLAN': [{ Plan: PlanNode }] })['QUERY PLAN'];
    const flat = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flat)];
    scans.push(
      flat(plan).flatMap((node) => {
        const { 'Node Type': type, 'Relation Name': table, 'Index Name': index } = node;
        if (!type.endsWith('Scan') || !table) return [];
        return [`${type} of ${table}${index ? ` by ${index}` : ''}`];
      }),
    );
  }
  return scans;
}
