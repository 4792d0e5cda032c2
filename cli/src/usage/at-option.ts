import { Option } from 'commander';
import { parseMoment } from '../arguments.ts';

/** `--at <moment>`: parsed to a `Moment`. */
export const atOption = () =>
  new Option('--at <moment>', 'show the state at a time (2026-11-21T10:00:00Z) or at a version (1)').argParser(
    parseMoment,
  );
