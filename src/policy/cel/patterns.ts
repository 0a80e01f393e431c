import type { ASTNode } from '@marcbachmann/cel-js';
import { CelRefused, type Scope } from './scope.js';
import { CelFault } from './value.js';

type Matcher = Scope['matches'];

/**
 * Compiles the patterns of an expression, and loads the engine for them only when there are any.
 * @throws CelRefused for one that is no RE2
 */
export async function compilePatterns(ast: ASTNode): Promise<Matcher> {
  const patterns = patternsOf(ast);
  if (patterns.length === 0) return () => false;
  const { RE2JS } = await import('re2js');
  const compiled = new Map(
    patterns.map(({ text, at }) => {
      try {
        return [text, RE2JS.compile(text)] as const;
      } catch (error) {
        throw new CelRefused(`has a pattern that is no RE2: ${(error as Error).message}`, at);
      }
    }),
  );
  return (pattern, text, meter) => {
    const regex = compiled.get(pattern);
    if (!regex) throw new CelFault('a pattern was not compiled');
    // Linear in the text, times the states of the pattern.
    meter.spendText(text.length * (4 + regex.programSize()));
    return regex.matcher(text).find();
  };
}

function patternsOf(ast: ASTNode): readonly { readonly text: string; readonly at: number }[] {
  return nodesOf(ast).flatMap(node => {
    const [pattern] = node.op === 'rcall' && node.args[0] === 'matches' ? node.args[2] : [];
    return pattern?.op === 'value' && typeof pattern.args === 'string'
      ? [{ text: pattern.args, at: pattern.start }]
      : [];
  });
}

/** A node and all below it; what nodes hold besides are names and literals. */
function nodesOf(value: unknown): readonly ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesOf);
  if (typeof value !== 'object' || value === null || !('op' in value)) return [];
  const node = value as ASTNode;
  return [node, ...nodesOf(node.args)];
}
