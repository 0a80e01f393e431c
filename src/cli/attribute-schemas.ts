import { z } from 'zod';
import { blameFields } from './blame-schemas.js';

/** Fields of the document about a scanner's report. Objects are open, and lists of words (`by`, `severity`) may grow. */

const digest = z.string().regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);
const severity = z.string().describe('critical, high, medium, low, negligible or unknown');
const count = z.int().min(0);

const owner = z.looseObject({
  by: z.string().describe('path, package or layer'),
  team: z.string(),
  step: z.string(),
  layer: count.describe('index into layers'),
  adopted: z.boolean().describe('the team vouches for the layer and did not build it'),
  path: z.string().nullable().describe('the file in the image, absolute'),
});

const ownership = {
  owners: z.array(owner).describe('by the strongest evidence that there is; empty: nobody can be named'),
  orphan: z
    .string()
    .nullable()
    .describe('why nobody is named: place-missing, path-unknown, package-unknown or layer-unknown'),
  contradictions: z.array(owner).describe('weaker evidence that points to another team'),
  unknownLayers: z.array(z.string()).describe('that the report names and the image does not have'),
};

const part = z.looseObject({
  ecosystem: z.string().nullable().describe('as in a package URL: deb, rpm, apk, npm, …'),
  name: z.string(),
  version: z.string().nullable(),
  architecture: z.string().nullable(),
  purl: z.string().nullable(),
});

const places = z
  .array(z.looseObject({ path: z.string().nullable(), layers: z.array(z.string()) }))
  .describe('as the report has them');

export const attributeFields = {
  reference: blameFields.reference,
  pinned: blameFields.pinned,
  through: blameFields.through,
  policy: blameFields.policy,
  level: blameFields.level,
  custody: z
    .looseObject({ verdict: z.string(), code: z.string().nullable() })
    .describe('of the chain and its approvals, which may be still to come; the gate is custody verify'),
  report: z.looseObject({
    format: z.string(),
    formatVersion: z.string().nullable(),
    tool: z.looseObject({ name: z.string(), version: z.string().nullable() }).nullable(),
    created: z.string().nullable().describe('as the report says it'),
    digest: digest.describe('of the file'),
    size: count.describe('bytes'),
    subject: z.string().describe('how it names the image: manifest, config, index, layers or unstated'),
    name: z.string().nullable().describe('that it gives the image'),
  }),
  approvals: z
    .array(
      z.looseObject({
        rule: z.string(),
        team: z.string(),
        signers: z.array(z.string()),
        time: z.string(),
        age: z.int().describe('whole seconds since time'),
        type: z.string().describe('what the approval calls the file'),
      }),
    )
    .describe('that count and rest on this very file'),
  layers: blameFields.layers,
  summary: z
    .looseObject({
      findings: count,
      components: count,
      dismissed: count.describe('findings that the report itself takes back'),
      unattributed: count,
      contradicted: count,
      unknownLayers: z.array(z.string()),
      teams: z.array(
        z.looseObject({
          team: z.string(),
          findings: z.record(z.string(), count).describe('by severity'),
          total: count,
          components: count,
        }),
      ),
    })
    .describe('of everything in the report, whatever is listed'),
  findings: z.array(
    z.looseObject({
      id: z.string(),
      aliases: z.array(z.string()),
      title: z.string().nullable(),
      severity,
      severityWord: z.string().nullable().describe('as the report says it'),
      package: part.nullable().describe('null for a finding about a file itself'),
      fixedIn: z.array(z.string()),
      source: z.string().nullable(),
      places,
      ...ownership,
    }),
  ),
  components: z.array(z.looseObject({ package: part, places, ...ownership })),
  gate: z
    .looseObject({
      failOn: severity,
      team: z.string().nullable(),
      tolerated: z.array(z.string()),
      failing: count,
      uncertain: count.describe('those of them that are nobody’s, or of unknown severity'),
    })
    .nullable(),
};
