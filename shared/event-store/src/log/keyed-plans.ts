const SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
};

/**
 * Restricts the planner to index lookups and generic plans. The store's statements need this: its tables grow from empty while connections
 * keep their first plans (docs/adr/0012).
 * @param scope `LOCAL` until the end of the transaction, `SESSION` until the end of the session
 */
export function keyedPlans(scope: 'LOCAL' | 'SESSION'): string {
  return Object.entries(SETTINGS)
    .map(([name, value]) => `SET ${scope} ${name} = ${value}`)
    .join('; ');
}
