import type { ExitCode } from '../base/codes.js';
import { EXIT_MEANINGS } from '../base/exit-meanings.js';
import { OTHER_VARIABLES, variableOf } from './environment.js';
import { PRECEDENCE, reasonsOf } from './exit-codes.js';
import { formatTable, type Styler, TEXT_COLUMNS, wrapText } from './text.js';

export interface HelpTopic {
  readonly name: string;
  readonly summary: string;
  format(style: Styler): string;
}

/** What `touchmark help TOPIC` explains; tables come from the code that acts on them. */
export const HELP_TOPICS: readonly HelpTopic[] = [
  {
    name: 'exit-codes',
    summary: 'what the exit code says, and the reason codes behind it',
    format: exitCodes,
  },
  { name: 'custody', summary: 'who put every layer there: marks, and what a yes says', format: custody },
  { name: 'environment', summary: 'variables that are read, and what wins', format: environment },
  { name: 'output', summary: 'streams, JSON, colour and quiet', format: output },
  { name: 'policy', summary: 'how a policy says who may add what, and how it is written', format: policy },
  {
    name: 'tuf',
    summary: 'a repository of keys, teams and targets: who signs what, and in which order',
    format: tuf,
  },
  { name: 'trust', summary: 'what a yes of verify means, and what it does not', format: trust },
];

export function findHelpTopic(name: string): HelpTopic | undefined {
  return HELP_TOPICS.find(topic => topic.name === name);
}

function exitCodes(style: Styler): string {
  const codes = Object.keys(EXIT_MEANINGS).map(Number) as ExitCode[];
  const width = Math.max(...codes.map(code => EXIT_MEANINGS[code].name.length));
  const rows = codes.flatMap(code => {
    const { name, meaning } = EXIT_MEANINGS[code];
    const head = `${String(code).padStart(3)}  ${style('bold', name.padEnd(width))}  ${meaning}`;
    const reasons = reasonsOf(code).join(', ');
    const indent = ' '.repeat(width + 7);
    return [
      head,
      ...(reasons ? wrapText(reasons, TEXT_COLUMNS - indent.length).map(line => indent + line) : []),
    ];
  });
  return paragraphs(
    'Only 0 is a yes. 10 to 19 are a definite no; 20 to 24 mean that it could not be decided, which is never a yes. ' +
      'The code is the same in text and JSON. A number never changes its meaning.',
    rows.join('\n'),
    `Of several images or files the first code present in this order is given: ${PRECEDENCE.join(', ')}. ` +
      'The JSON document holds each.',
  );
}

function environment(): string {
  return paragraphs(
    `A flag wins over its variable, a variable over the default. Each flag that shows a variable in --help is set by it: ` +
      `--registry-ca by ${variableOf('registry-ca')}. A switch takes true or false; several values stand with commas between them; ` +
      'empty means not set, except for passwords.',
    formatTable(OTHER_VARIABLES, '  '),
  );
}

function output(): string {
  return paragraphs(
    'Standard output carries the result and nothing else: text, or with -o json exactly one JSON document, on failure too. ' +
      'Progress, warnings, questions and errors go to standard error.',
    'Every document has schema, tool, ok, exitCode, startedAt, warnings and error. error is null when there is an answer, ' +
      'also when the answer is no; else it holds code, message, hint, retryable and details. ' +
      'touchmark schema lists the JSON Schemas, touchmark schema NAME prints one. Within v1 fields are added, never removed.',
    '--quiet leaves errors on standard error and, in text, nothing on standard output. --debug adds requests and causes. ' +
      'Colour is for terminals only: --no-color, NO_COLOR and TERM=dumb turn it off, FORCE_COLOR turns it on.',
  );
}

function trust(): string {
  return paragraphs(
    'verify says yes when enough of the keys given with --key have signed the very bytes that the reference stands for. ' +
      'A tag is resolved once; the digest is printed and is what was checked. Use that digest from then on: the tag may move.',
    'Without --threshold every key given must have signed. A key counts once, however many signatures it made. ' +
      'What is found under another key, for another digest or for another repository is listed and counts for nothing.',
    'A registry that cannot be asked is exit 20, never "unsigned". inspect and tree show what is there and judge nothing ' +
      'unless keys are given.',
    'Keys say who signed the whole image. Who put each layer there, and whether they may, is a matter of touchmark help custody.',
  );
}

function custody(): string {
  return paragraphs(
    'Every team that adds layers to an image leaves a mark: a signed claim that says which layers are its own, on top of exactly ' +
      'which image of which team. The marks link to a chain that travels with the image, in both of cosign’s formats and in a ' +
      'custody artifact. A policy says who the teams are and in which order they build: touchmark help policy.',
    formatTable(
      [
        ['touchmark custody mark', 'a team checks what it built on, and claims its layers'],
        ['touchmark custody adopt', 'the first team vouches for an image from elsewhere'],
        ['touchmark custody co-sign', 'a second signer signs the same claim'],
        ['touchmark custody approve', 'a scan, a test or a release of the image'],
        ['touchmark custody verify', 'the gate: is every layer somebody’s who may put it there'],
        ['touchmark custody show', 'the chain as a tree, or as a picture'],
        ['touchmark tree --inheritance', 'what images are built on, and what is behind'],
        ['touchmark blame', 'whose a file is, and who deleted it'],
        ['touchmark attribute', 'a scanner’s report, split by team'],
        ['touchmark custody withdraw', 'a team takes back what it claimed'],
        ['touchmark promote', 'verify, copy, verify there, then move the tag'],
      ],
      '  ',
    ),
    'A yes: each layer belongs to exactly one step of the policy, in its order; its team signed it on exactly the layers below, with as ' +
      'many people as the policy asks; nothing is older than it allows, or withdrawn as far as was seen.',
    'Not said: that the content is good; that no two teams conspire and no key was stolen; that nothing newer was withheld; when ' +
      'something was really signed. touchmark custody verify --explain says it for one image and its policy.',
    'How far layers are looked at (--level, and evidence in the policy): marks trusts signatures and links, manifest compares the ' +
      'digests too, blobs reads every byte, content looks at every file: rules about paths and seals need it.',
  );
}

function policy(): string {
  return paragraphs(
    'A policy is one file, YAML or JSON, that says who may add what to images, in which order and how recently. What it does ' +
      'not allow is denied, an unknown or repeated key is an error, and a rule that cannot be enforced is refused.',
    formatTable(
      [
        ['touchmark policy init FILE', 'write one from flags, or from answers'],
        ['touchmark policy check FILE', 'is it sound, and is it wise'],
        ['touchmark policy explain IMAGE', 'what it asks of an image, and what would make it pass'],
        [
          'touchmark policy facts IMAGE',
          'what rules and predicates see of an image; with --try, whether one would hold',
        ],
        ['touchmark schema custody-policy', 'every key, as a JSON Schema'],
      ],
      '  ',
    ),
    formatTable(
      [
        [
          'scope',
          'repositories it is about: * within one part of the name, ** any number of parts; and relocations: to which other names an image may go',
        ],
        ['teams', 'teams, their signers, and the public keys of each: paths relative to the file'],
        ['flow', 'steps that build an image, first to last: team, kinds, threshold, maxAge'],
        ['approvals', 'approvals of the finished image, or of one step'],
        ['config', 'which keys of the image config a step may change'],
        ['paths', 'which files a step may add, change and delete: @dpkg and its like are package databases'],
        ['seals', 'what becomes of files that a step has sealed: custody mark --seal'],
        ['metadata', 'what the finished image must be: user, ports, labels, environment, …'],
        [
          'predicate',
          'an expression in CEL over what is known of the image; predicates: several, with names',
        ],
        ['expires', 'behind this time no image passes'],
      ],
      '  ',
    ),
    'A threshold counts signers: people or robots, each with one key or several. A signer’s name is one person in all teams, ' +
      'and nobody stands for two of them.',
    'For completion in an editor, put the schema beside the policy and name it in the first line:',
    '  touchmark schema custody-policy > policy.schema.json\n  # yaml-language-server: $schema=policy.schema.json',
  );
}

function tuf(): string {
  return paragraphs(
    'A TUF repository says which keys count, what their holders list, and what is newest; its readers notice when somebody ' +
      'keeps news from them or brings back what is old. Root says which keys sign for the other roles. Targets lists things, and ' +
      'delegates paths to roles of teams. The keys of these stay offline with people. Snapshot and timestamp say what is ' +
      'newest; a machine signs them.',
    formatTable(
      [
        ['touchmark tuf init DIR', 'begin one: keys, thresholds, how long versions hold'],
        ['touchmark tuf role delegate NAME', 'a team, its keys and its paths'],
        ['touchmark tuf role', 'add-key, remove-key, threshold, revoke, renew, list'],
        ['touchmark tuf target add FILE', 'list something'],
        ['touchmark tuf diff', 'what is staged, in words'],
        ['touchmark tuf sign', 'sign it, where the repository is'],
        ['touchmark tuf offline export', 'sign it elsewhere: export, sign-payload, import'],
        ['touchmark tuf publish', 'put it in place, with a new snapshot and timestamp'],
        ['touchmark tuf refresh', 'renew the timestamp: what a cron job runs'],
        ['touchmark tuf status', 'days to each expiry, who must still sign; with --check'],
        ['touchmark tuf reset', 'drop what is staged'],
        ['touchmark tuf checkout', 'a working folder out of a published repository'],
        ['touchmark tuf verify', 'audit a published repository, as an outsider'],
      ],
      '  ',
    ),
    'Every edit is staged first, and however many they are, they make one new version of a role. An edit drops the signatures ' +
      'on what it changes. A new root is signed by the keys of the root before it as well as by its own. Whoever signs sees the ' +
      'change in words before a password is asked for.',
    'In the folder, metadata/ and targets/ are what is published: any web server can serve them to any TUF client. staged/ is ' +
      'what is on its way.',
  );
}

function paragraphs(...parts: readonly string[]): string {
  return `${parts.map(part => (part.includes('\n') ? part : wrapText(part, TEXT_COLUMNS).join('\n'))).join('\n\n')}\n`;
}
