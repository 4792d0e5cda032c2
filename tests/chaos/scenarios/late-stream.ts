import { setTimeout as pause } from 'node:timers/promises';
import { STREAMS } from '@shop/events/topology';
import { waitUntil } from '@warren/testing';
import { brokenInOutage, RECOVERY_LIMIT_SECONDS } from './outage-promises.ts';
import type { Scenario } from './scenario.ts';

const ROUNDS = 3;
const BEFORE_MS = 2000;

/** Erlang, as the broker itself does it at a start. */
const NAME = `Name = {resource, <<"/">>, queue, <<"${STREAMS.events}">>}`;
/** The services, whose connections have names, have to connect again, to a broker that knows the stream and has no leader for it yet. */
const LOSE_LEADER = `${NAME},
  rabbit_maintenance:suspend_all_client_listeners(),
  [rabbit_networking:close_connection(Pid, "start over") || Pid <- rabbit_networking:local_connections(),
    [{client_properties, Client}] <- [rabbit_reader:info(Pid, [client_properties])], lists:keymember(<<"connection_name">>, 1, Client)],
  mnesia:dirty_delete(rabbit_queue, Name),
  rabbit_maintenance:resume_all_client_listeners().`;
const GET_LEADER = `${NAME},
  [Queue] = ets:lookup(rabbit_durable_queue, Name), rabbit_amqqueue:ensure_rabbit_queue_record_is_initialized(Queue).`;

/** What a broker does for less than a second at a start, made to last: clients are served, the stream of all events is not. */
export const lateStream: Scenario = {
  about: `${ROUNDS} times the broker comes back and serves the stream of all events 3 s later than its clients, under 50 orders a second`,
  ordersPerSecond: 50,
  seconds: 3,
  others: { analytics: 1 },
  async play({ system, vitals, record, options, signal }) {
    let servedAt = Date.now();
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(BEFORE_MS, undefined, { signal });
      await system.broker.control(['eval', LOSE_LEADER]);
      await pause(options.seconds * 1000, undefined, { signal });
      await system.broker.control(['eval', GET_LEADER]);
      servedAt = Date.now();
      await waitUntil(() => system.services.every((service) => vitals.of(service).readiness.at(-1)), {
        timeoutMs: 2 * RECOVERY_LIMIT_SECONDS * 1000,
        what: 'every service to be ready again',
      });
    }
    const readyAfterSeconds = (Date.now() - servedAt) / 1000;
    return (rest) => ({
      violations: brokenInOutage(record, readyAfterSeconds, rest),
      measured: { 'ready again': `${readyAfterSeconds.toFixed(1)} s after the stream was served for the last time` },
    });
  },
};
