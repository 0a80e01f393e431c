import { z } from 'zod';

const key = z.looseObject({
  keyid: z.string().describe('as the metadata names it'),
  id: z.string().nullable().describe('as docker trust inspect and private key files name it'),
  kind: z.string().nullable(),
  certificate: z
    .looseObject({ commonName: z.string(), fingerprint: z.string(), expires: z.iso.datetime() })
    .nullable(),
  problem: z.string().nullable().describe('why it verifies nothing'),
});

const described = {
  repository: z.string(),
  place: z.string().describe('server or folder'),
  tags: z.array(
    z.looseObject({
      tag: z.string(),
      digest: z.string().nullable(),
      size: z.int().describe('bytes of the manifest'),
      released: z.string().nullable().describe('the role whose word counts when the tag is pulled'),
      signers: z.array(z.string()),
    }),
  ),
  roles: z.array(
    z.looseObject({
      name: z.string(),
      version: z.int().nullable().describe('null when nothing was published for it'),
      expires: z.iso.datetime().nullable(),
      threshold: z.int(),
      keys: z.array(key),
      signedBy: z.array(z.string()).describe('keyids with a signature that verifies'),
      prefixes: z.array(z.string()).nullable().describe('of tags that it may list'),
    }),
  ),
};

export const notaryInspectFields = described;

export const notaryVerifyFields = {
  ...described,
  trusted: z
    .enum(['keys', 'authorities', 'root', 'first-use'])
    .describe('why the root is believed; more may be added'),
  problems: z.array(z.looseObject({ role: z.string(), code: z.string(), message: z.string() })),
};

export const notaryImportFields = {
  repository: z.string(),
  place: z.string().describe('server or folder'),
  into: z.string().describe('folder of the TUF repository'),
  created: z.boolean().describe('false when there was a repository already'),
  roles: z
    .array(
      z.looseObject({
        name: z.string(),
        from: z.string().describe('what it was called in Notary'),
        threshold: z.int(),
        keys: z.array(
          z.looseObject({ label: z.string().nullable(), keyid: z.string().describe('as key show has it') }),
        ),
        paths: z.array(z.string()),
        tags: z.int(),
        added: z.boolean().describe('false when the repository had the role already'),
      }),
    )
    .describe('what was staged; nothing is published before it is signed'),
  losses: z
    .array(z.looseObject({ what: z.string(), why: z.string() }))
    .describe('what could not be carried over'),
};
