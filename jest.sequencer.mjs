import Sequencer from '@jest/test-sequencer';

const KINDS = ['e2e', 'integration', 'unit'];

/** Starts the long suites first, so that the short ones fill the gaps at the end: also in a fresh clone, where Jest knows no durations. */
export default class LongSuitesFirst extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => KINDS.indexOf(context.config.displayName.name);
    return super.sort([...tests]).sort((one, other) => rank(one) - rank(other));
  }
}
