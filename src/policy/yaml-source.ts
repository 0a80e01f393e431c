import {
  Composer,
  CST,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  Scalar,
  type YAMLError,
} from 'yaml';
import type { JsonValue } from '../base/json.js';
import { LIMITS } from '../base/limits.js';
import { type DocumentPath, failPolicy, type Position } from './problem.js';

/** YAML's own words for what a lexeme is, and why it is refused. */
const REFUSED: Readonly<Record<string, string>> = {
  anchor: 'has an anchor (&)',
  alias: 'has an alias (*)',
  tag: 'has a tag (!)',
  'directive-line': 'has a directive (%)',
};

/** The parser's messages quote the text, which may hold a key; these do not. */
const FAULTS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_INDENT: 'is not indented as its neighbours are',
  TAB_AS_INDENT: 'is indented with a tab; YAML takes spaces',
  BAD_DQ_ESCAPE: 'has an unknown escape in a double-quoted text',
  BLOCK_IN_FLOW: 'has an indented block inside brackets',
  BLOCK_AS_IMPLICIT_KEY: 'has a second key on one line',
  MISSING_CHAR: 'misses a comma, a colon, a bracket or a quote',
  MULTILINE_IMPLICIT_KEY: 'has a key that goes over several lines, or a line without a colon',
  NON_STRING_KEY: 'has a key that is not a text',
  BAD_SCALAR_START: 'has a text that begins with a character that must be quoted',
};

/**
 * Reads one YAML 1.2 document of the core schema, without anchors, aliases, tags, directives and merge keys.
 * @throws TouchmarkError `policy-invalid`
 */
export function parseYaml(
  text: string,
  where: string,
): { value: JsonValue; locate: (path: DocumentPath, part: 'key' | 'value') => Position | undefined } {
  const lines = new LineCounter();
  const refuse = (problem: string, offset: number, hint?: string): never => {
    const { line, col } = lines.linePos(offset);
    return failPolicy(where, {
      problem,
      position: { line: Math.max(line, 1), column: Math.max(col, 1) },
      ...(hint !== undefined && { hint }),
    });
  };
  const documents = [
    ...new Composer({
      version: '1.2',
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      strict: true,
      stringKeys: true,
      // Quadratic in the parser; checked below.
      uniqueKeys: false,
      logLevel: 'silent',
    }).compose(parseTokens(text, lines, refuse), true, text.length),
  ];
  const [document, second] = documents;
  for (const fault of document === undefined ? [] : [...document.errors, ...document.warnings]) {
    refuse(`is not valid YAML: it ${FAULTS[fault.code] ?? `has a fault here (${fault.code})`}`, fault.pos[0]);
  }
  if (second !== undefined)
    refuse('is followed by a second one', second.range[0], 'a policy file holds one document');
  if (document === undefined || document.contents === null) return refuse('is empty', 0);
  const value = plainValue(document.contents, 0, refuse);
  return { value, locate: (path, part) => locate(document as Document, lines, path, part) };
}

type Refuse = (problem: string, offset: number, hint?: string) => never;

/**
 * The composer descends by recursion, and Node 20 aborts the process when the stack ends inside a regular expression;
 * so the nesting is bounded here, where the parser keeps a stack of its own.
 */
function parseTokens(text: string, lines: LineCounter, refuse: Refuse): CST.Token[] {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens: CST.Token[] = [];
  let inScalar = false;
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    // The lexer announces a plain or block text with a mark of its own; what follows is no syntax.
    if (inScalar) inScalar = false;
    else if (lexeme === CST.SCALAR) inScalar = true;
    else {
      const refused = REFUSED[CST.tokenType(lexeme) ?? ''];
      if (refused !== undefined)
        refuse(
          `${refused}, which a policy does without`,
          parser.offset,
          'write the value out where it is needed',
        );
    }
    const offset = parser.offset;
    if (++count > LIMITS.policyTokens)
      refuse(`has more than ${LIMITS.policyTokens} words, marks and spaces`, offset);
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The document itself, and the text that is being read, stand on the stack too.
    if (parser.stack.length > LIMITS.policyDepth + 3)
      refuse(`is nested deeper than ${LIMITS.policyDepth}`, offset);
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

const PLAIN_INTEGER = /^(?:0|-?[1-9][0-9]{0,15})$/;

function plainValue(node: unknown, depth: number, refuse: Refuse): JsonValue {
  const offset = (node as { range?: [number, number, number] | null }).range?.[0] ?? 0;
  if (depth > LIMITS.policyDepth) return refuse(`is nested deeper than ${LIMITS.policyDepth}`, offset);
  if (isSeq(node)) return node.items.map(item => plainValue(item, depth + 1, refuse));
  if (isMap(node)) {
    const map: Record<string, JsonValue> = Object.create(null);
    for (const { key, value } of node.items) {
      if (!isScalar(key) || typeof key.value !== 'string')
        return refuse('has a key that is not a text', offset);
      const at = key.range?.[0] ?? offset;
      if (key.value in map)
        refuse(
          `has the key ${JSON.stringify(key.value.slice(0, 60))} twice in one map`,
          at,
          'keep one of the two',
        );
      map[key.value] = value === null ? null : plainValue(value, depth + 1, refuse);
    }
    return map;
  }
  if (!isScalar(node)) return refuse('holds something that is no map, list or value', offset);
  const { value } = node;
  if (typeof value === 'number') {
    // 010, 0o10, 1e3, 0x10 and .5 are other numbers, or texts, to other readers.
    if (node.type !== Scalar.PLAIN || !PLAIN_INTEGER.test(node.source ?? '') || !Number.isSafeInteger(value))
      refuse(
        'has a number that is not a plain whole one',
        offset,
        'write whole numbers in decimal, texts in quotes',
      );
    return value;
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  return refuse('holds something that is no map, list or value', offset);
}

function locate(
  document: Document,
  lines: LineCounter,
  path: DocumentPath,
  part: 'key' | 'value',
): Position | undefined {
  let node: unknown = document.contents;
  let key: unknown;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && item.key.value === step);
      if (pair === undefined) return undefined;
      [key, node] = [pair.key, pair.value];
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      key = node;
    } else return undefined;
  }
  const found = (part === 'key' ? key : (node ?? key)) as
    | { range?: [number, number, number] | null }
    | undefined;
  if (!found?.range) return undefined;
  const { line, col } = lines.linePos(found.range[0]);
  return { line, column: col };
}
