import type { SERVICES } from '../../scripts/lib/services.mjs';

type ServiceEntry = (typeof SERVICES)[number];

const BEGIN = '  # The services, from their topology.json: npm run generate writes these lines.\n';
const END = '  # End of the services.\n';
/** The settings that the part of the file above the services sets for all of them. */
const ADDRESSES = ['AMQP_URL', 'DATABASE_URL', 'SMTP_URL'];

/** Returns the compose file with the given services between its two marker lines, and everything else unchanged. */
export function withServices(text: string, services: readonly ServiceEntry[]): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docker-compose.yml must have these two lines:\n${BEGIN}${END}`);
  return `${text.slice(0, from)}${BEGIN}${services.map(composeService).join('\n')}${text.slice(to)}`;
}

/** Only an API has a published port, so that a worker can run several times: `docker compose up --scale inventory=3`. */
const composeService = ({ name, portSetting, defaultPort: port, core, api, settings }: ServiceEntry) => `  ${name}:
    <<: *service
${core ? '' : '    profiles: [full]\n'}    command: [${name}]
    environment:
      <<: *addresses
      ${portSetting}: ${port}
${settings
  .filter((setting) => setting !== portSetting && !ADDRESSES.includes(setting))
  .map((setting) => `      ${setting}:\n`)
  .join('')}    ${api ? `ports: ["${port}:${port}"]` : `expose: [${port}]`}
    healthcheck:
      <<: *healthcheck
      test: [CMD, node, -e, "fetch('http://127.0.0.1:${port}/health/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
`;
