import { shopCatalogue } from '@shop/events/catalogue';
import { toJsonSchema, toReleased } from '@warren/contracts';
import { topologyOf } from '@warren/service';
import { stringify } from 'yaml';
import { allVersions, createAsyncApi, nameOf } from './async-api.ts';
import { generateSettingsPage } from './settings-page.ts';
import { declaredServices, generateTopologies } from './topologies.ts';

const { contracts } = shopCatalogue;
const toText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** Where the schemas of released versions are kept. */
export const RELEASED = 'services/events/released';

/** What is generated from the contracts and the services: path from the root of the repository → text. */
export async function generateDocuments(version: string): Promise<Map<string, string>> {
  const queues = (await declaredServices()).flatMap((service) => topologyOf(service).queues);
  const asyncApi = createAsyncApi({ contracts, queues, version });
  const schemas = allVersions(contracts).map((one) => [`docs/schemas/${nameOf(one)}.json`, toText(toJsonSchema(one))]);
  const text = stringify(asyncApi, { lineWidth: 120, aliasDuplicateObjects: false });
  return new Map([
    ['docs/asyncapi.yaml', text],
    ...(schemas as [string, string][]),
    ['docs/settings.md', await generateSettingsPage()],
    ...(await generateTopologies()),
  ]);
}

/** The records of every version as it is now: path from the root of the repository → text. */
export function generateReleased(): Map<string, string> {
  return new Map(allVersions(contracts).map((one) => [`${RELEASED}/${nameOf(one)}.json`, toText(toReleased(one))]));
}
