import type { ChaosOptions } from '../chaos-options.ts';
import type { Rest, ScenarioContext, ScenarioFindings } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { watchVitalSigns } from './vital-signs.ts';

export interface PlayScenarioOptions extends Omit<ScenarioContext, 'vitals' | 'options'> {
  options: ChaosOptions;
}

/** Plays the scenario of the options, if there is one. Returns its judgement, to be called when the system has settled. */
export async function playScenario(options: PlayScenarioOptions): Promise<(rest: Rest) => Promise<ScenarioFindings>> {
  const scenario = SCENARIOS[options.options.scenario ?? ''];
  if (!scenario) return async () => ({ violations: [], measured: {} });
  const vitals = watchVitalSigns(options.system.services);
  try {
    const judge = await scenario.play({ ...options, vitals });
    return async (rest) => {
      await vitals.stop();
      return judge(rest);
    };
  } catch (error) {
    await vitals.stop();
    throw error;
  }
}
