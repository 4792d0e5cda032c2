const SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
};

/**
 * Lets the planner go by keys only, and plan a prepared statement once for any values: what the statements of a store need, whose tables grow
 * from nothing while their connections keep the plans that they began with (docs/adr/0012).
 * @param scope until the end of the transaction, or of the session
 */
export function keyedPlans(scope: 'LOCAL' | 'SESSION'): string {
  return Object.entries(SETTINGS)
    .map(([name, value]) => `SET ${scope} ${name} = ${value}`)
    .join('; ');
}
