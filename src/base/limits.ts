/** Every bound on what an attacker can send, in one place. Sizes are bytes unless the name says otherwise. */
export const LIMITS = {
  /** A manifest, an index, a page of referrers or tags. The distribution specification asks for 4 MiB. */
  manifestSize: 4 * 1024 * 1024,
  configSize: 8 * 1024 * 1024,
  /** A simple-signing payload or a sigstore bundle. */
  payloadSize: 1024 * 1024,
  tokenSize: 1024 * 1024,
  errorBodySize: 64 * 1024,
  /** index.json of a layout: it lists every tag. */
  layoutIndexSize: 64 * 1024 * 1024,
  /** Manifests listed in one index.json. */
  layoutEntries: 100_000,
  /** Files of a layout that are looked into for manifests that no index lists, and the bytes read doing so. */
  layoutScanFiles: 50_000,
  layoutScanBytes: 256 * 1024 * 1024,
  /** Entries of a tar archive that holds images. */
  archiveEntries: 100_000,
  /** A pax header or a long name in a tar archive. */
  tarHeaderSize: 1024 * 1024,
  /** manifest.json of a docker-archive. */
  dockerArchiveManifestSize: 1024 * 1024,
  /** A key file, private or public. */
  keyFileSize: 64 * 1024,
  passwordSize: 64 * 1024,
  /** Iterations that an encrypted PKCS#8 file may ask for; about five seconds. */
  keyIterations: 10_000_000,
  /** N·r·p of scrypt in an encrypted PKCS#8 file. */
  scryptWork: 2 ** 20,
  /** Files of one folder that are looked at for keys. */
  keyFolderEntries: 10_000,
  /** PEM certificates of registries, given by the user. */
  certificatesSize: 4 * 1024 * 1024,
  /** A policy document, and its nesting. */
  policySize: 1024 * 1024,
  policyDepth: 16,
  /** Words, marks and spaces of a policy in YAML: reading them costs far more than their bytes. */
  policyTokens: 100_000,
  /** Entries of any one list or map in a policy. */
  policyEntries: 256,
  /** Characters of labels, variables and other names and values of one image that are held to the patterns of a policy. */
  metadataText: 1024 * 1024,
  /** An expression in CEL: its characters, the nodes of its tree, and loops inside one another. */
  celLength: 8192,
  celNodes: 500,
  celNesting: 4,
  /** Steps of one evaluation; sixteen characters of text count as one. */
  celSteps: 2_000_000,
  jsonDepth: 32,
  /** Values in one JSON document. */
  jsonValues: 1_000_000,
  /** Digits of a whole number that is kept exactly: turning text into a bigint costs the square of them. */
  jsonDigits: 100,
  /** TUF metadata by role; clients elsewhere read 512,000, 16,384, 2,000,000 and 5,000,000 bytes when nothing says more. */
  tufRootSize: 1024 * 1024,
  tufTimestampSize: 64 * 1024,
  tufSnapshotSize: 16 * 1024 * 1024,
  tufTargetsSize: 64 * 1024 * 1024,
  /** Values in one file of TUF metadata: four for a target with one hash. */
  tufValues: 4_000_000,
  /** A target that is read into memory. */
  tufTargetSize: 256 * 1024 * 1024,
  /** A target that is kept for offline runs. */
  tufCachedTarget: 16 * 1024 * 1024,
  /** Entries of one list of signatures, keys or keyids in TUF metadata, and of the delegated roles of one file. */
  tufSignatures: 1024,
  tufKeys: 4096,
  tufRoles: 65_536,
  /** The manifest of a TUF repository in a registry that is inlined in its index, and how many others are kept in memory. */
  tufInlinedManifest: 256 * 1024,
  tufLoadedManifests: 64,
  /** Files of a repository in a registry, when all of them are listed. */
  tufListedFiles: 4_000_000,
  /** Earlier versions that an audit looks at: files, and bytes that it keeps of them. */
  tufHistoryFiles: 100_000,
  tufHistorySize: 256 * 1024 * 1024,
  /** Tags of one role, delegated roles of one repository, and all its bytes, in metadata of Notary. */
  notaryTargets: 100_000,
  notaryRoles: 1024,
  notarySize: 256 * 1024 * 1024,
  /** Longer than any signature that is verified here (RSA-4096: 512 bytes). */
  tufSignatureSize: 1024,
  /** What goes to a key holder elsewhere: the bytes to sign and the version before, in base64. And what comes back. */
  tufPayloadFileSize: 64 * 1024 * 1024,
  tufSignatureFileSize: 1024 * 1024,
  /** New roots in one refresh, and roles visited in the search for one target. */
  tufRootRotations: 256,
  tufVisitedRoles: 64,
  /** Policies that one repository lists; releases of one channel, and images of each; bytes of a channel. */
  tufPolicies: 256,
  channelReleases: 1024,
  channelSize: 1024 * 1024,
  /** Characters of a target path that is looked for, and of a pattern or role name in a delegation. */
  tufPathLength: 4096,
  /** Signatures of one image that are looked at, as in cosign. */
  signatures: 1000,
  /** A list of images to verify in one process. */
  imageListSize: 64 * 1024 * 1024,
  statementSubjects: 1024,
  /** A custody claim, its nesting, and the entries of any one of its lists but the layers. */
  claimSize: 256 * 1024,
  claimDepth: 16,
  claimEntries: 256,
  /** Patterns over paths in all seals of one claim, and in one list of a policy: each is held against every file. */
  sealPatterns: 64,
  pathPatterns: 256,
  /** Content claims from the head of a chain to its start. */
  chainLinks: 64,
  /** Content claims that speak about one image and are followed as heads. */
  chainHeads: 32,
  /** Signatures that one custody check looks at: of the image and of all it was built on. */
  marks: 2048,
  /** What those are over, all together, one document as often as it is signed: it is hashed for each key of the policy. */
  marksSize: 64 * 1024 * 1024,
  /** Manifests and configs of ancestors that travel with an image. */
  carriedBlobs: 256,
  /** The document of a custody artifact: all marks of a chain, and its ancestors' manifests and configs. */
  custodyChainSize: 16 * 1024 * 1024,
  /** A file whose digest an approval names. */
  evidenceFileSize: 256 * 1024 * 1024,
  /** Custody artifacts of one image that are read. */
  custodyArtifacts: 64,
  /** Their documents, all together. */
  custodyArtifactsSize: 64 * 1024 * 1024,
  /** Log entries, or timestamps, in one sigstore bundle. */
  bundleEntries: 32,
  /** A certificate, a timestamp, or the list of promises inside a certificate. */
  certificateSize: 64 * 1024,
  timestampSize: 64 * 1024,
  certificateTimestamps: 32,
  /** A signed note, its lines, and the hashes of an inclusion proof: a tree of 2^63 leaves has so many. */
  signedNoteSize: 64 * 1024,
  signedNoteLines: 128,
  inclusionHashes: 63,
  /** A trusted root, and the entries of any one of its lists. */
  trustedRootSize: 4 * 1024 * 1024,
  trustedRootEntries: 256,
  /** Characters of a regular expression for identities. */
  identityPatternLength: 1024,
  /** An OpenID Connect token, which is a JWT; those of CI systems are below 4 KiB. */
  identityTokenSize: 16 * 1024,
  /** What a certificate authority, a log, a timestamp authority or an issuer of tokens answers. */
  serviceAnswer: 1024 * 1024,
  /** Milliseconds for one call of such a service, all attempts together; a log may answer only when the entry is in its tree. */
  serviceTime: 60_000,
  /** Milliseconds for a person to log in. */
  loginTime: 600_000,
  /** A trusted root or a signing configuration, as a TUF repository lists it. */
  sigstoreDocument: 4 * 1024 * 1024,
  /** A signing configuration, and the services of one kind in it. */
  signingConfigSize: 1024 * 1024,
  signingServices: 64,
  /** Certificates in one chain. */
  certificateChain: 10,
  /** Manifests that refer to one image. */
  referrers: 1000,
  referrerPages: 100,
  redirects: 10,
  /** Milliseconds in which a peer must move at least `networkProgress` bytes, or begin its answer. */
  networkStall: 30_000,
  networkProgress: 1024,
  /** Milliseconds for the answer to an upload: some registries copy the blob before they answer. */
  uploadAnswer: 300_000,
  /** Attempts behind the first one of a request that met a passing fault. */
  retries: 4,
  /** Milliseconds: a registry that asks for a longer pause is reported instead. */
  retryAfter: 60_000,
  /** Times that one blob is taken up again where its connection broke. */
  blobResumes: 10,
  tagPages: 1000,
  /** Warnings of registries: bytes of one header, texts in one session. */
  warningSize: 4096,
  warnings: 100,
  credentialFileSize: 1024 * 1024,
  credentialHelperOutput: 64 * 1024,
  /** Milliseconds for a credential helper to answer. */
  credentialHelperTime: 30_000,
  /** Milliseconds for the writers of one tag to come to rest. */
  tagMerge: 60_000,
  /** Nested indexes. */
  indexDepth: 4,
  indexEntries: 10_000,
  layers: 10_000,
  /** Bases that are followed from one image because annotations name them. */
  statedBases: 16,
  /** What one layer may unpack to; and how many times its own size, with `layerSlack` on top for small ones. */
  layerSize: 16 * 1024 * 1024 * 1024,
  layerRatio: 200,
  layerSlack: 64 * 1024 * 1024,
  /** What all layers of one image may unpack to, and what their indexes may take, where files are judged. */
  imageSize: 64 * 1024 * 1024 * 1024,
  imageIndexSize: 512 * 1024 * 1024,
  /** Entries of one layer's tar, and what their index may take; the bytes and the depth of one path, a name or a link. */
  layerEntries: 2_000_000,
  layerIndexSize: 256 * 1024 * 1024,
  entryPathLength: 4096,
  entryPathDepth: 256,
  /** A file of a layer that is looked into, such as a package database, and all those of one layer and of one image. */
  capturedFile: 128 * 1024 * 1024,
  capturedLayer: 192 * 1024 * 1024,
  capturedImage: 384 * 1024 * 1024,
  /** Packages in all databases of an image at once, and the bytes of a name, a version or another field that is shown. */
  packages: 100_000,
  /** Files of package databases, counted again after every layer; and packages, counted again after every layer that changes any. */
  packageFiles: 1_000_000,
  packageHistory: 2_000_000,
  packageField: 1024,
  /** Extended attributes of one entry, all together; the kernel gives up at as much for one of them. */
  entryXattrs: 65_535,
  /** Files and folders that an image has or has had in a layer below, and how often these changed. */
  treeNodes: 4_000_000,
  /** Symbolic links on the way to one path, as in the kernel. */
  symlinkHops: 40,
  /** Memory that a zstd frame may ask its decoder to keep; decoders refuse more unless told otherwise. */
  zstdWindow: 128 * 1024 * 1024,
  /** Frames of one zstd stream; seekable formats make one a file. */
  zstdFrames: 1_000_000,
  /** A scanner's report; its nesting, its values, entries of any one list in it, and characters of one text. */
  reportSize: 64 * 1024 * 1024,
  reportDepth: 64,
  reportValues: 8_000_000,
  reportEntries: 200_000,
  reportText: 65_536,
  /** Parts of a path that may lie inside an archive. */
  archivePathDepth: 32,
  /** Payloads and small blobs up to this size are inlined in their descriptor's `data` as well. */
  inlineData: 16 * 1024,
} as const;
