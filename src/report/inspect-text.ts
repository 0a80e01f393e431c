import type { Inspection, TreeNode } from '../inspect/index.js';
import { formatPlatform } from '../oci/platform.js';
import { type Line, line, type TextStyle } from './lines.js';

/** An inspection for people. */
export function presentInspection(reference: string, image: Inspection): readonly Line[] {
  const rows: Line[] = [line({ text: reference, style: 'bold' })];
  const row = (label: string, text: string) =>
    rows.push(line('  ', { text: label.padEnd(12), style: 'dim' }, text));
  row('digest', image.digest);
  row('type', image.artifactType ? `${image.mediaType}, artifact ${image.artifactType}` : image.mediaType);
  if (image.subject) row('refers to', image.subject);
  if (image.config) {
    const { created, digest } = image.config;
    row('platform', formatPlatform({ ...image.config, variant: image.config.variant ?? '' }));
    row('config', created ? `${digest}, created ${created}` : digest);
  }
  for (const { index, digest, size } of image.layers) row(`layer ${index}`, `${digest}  ${formatSize(size)}`);
  for (const child of image.manifests)
    row(child.platform ? formatPlatform(child.platform) : 'manifest', child.digest);
  for (const [key, value] of Object.entries(image.annotations)) row('annotation', `${key}=${value}`);
  for (const signature of image.signatures) {
    const claim = signature.claim;
    const annotations = Object.entries(claim?.annotations ?? {}).map(
      ([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`,
    );
    const says = claim ? `for ${claim.repository ?? 'no repository'}` : 'unreadable';
    row(
      'signature',
      [`${signature.carrier} ${signature.source}`, says, ...annotations, 'not verified'].join(', '),
    );
  }
  for (const { kind, tag, layers } of image.attachments) row(kind, `${tag} (${layers.length})`);
  for (const referrer of image.referrers)
    row('referrer', `${referrer.digest}  ${referrer.artifactType ?? referrer.mediaType}`);
  for (const { source, error } of image.problems) {
    rows.push(
      line('  ', { text: 'problem'.padEnd(12), style: 'red' }, `${source}: ${error.message} (${error.code})`),
    );
  }
  return rows;
}

/** A tree for people, drawn with lines. */
export function presentTree(reference: string, root: TreeNode): readonly Line[] {
  return [line({ text: reference, style: 'bold' }), ...branches([root], '')];
}

function branches(nodes: readonly TreeNode[], indent: string): readonly Line[] {
  return nodes.flatMap((node, i) => {
    const last = i === nodes.length - 1;
    return [
      line(indent, last ? '└─ ' : '├─ ', ...describeNode(node)),
      ...branches(node.children, indent + (last ? '   ' : '│  ')),
    ];
  });
}

function describeNode(node: TreeNode): Line {
  if (node.kind === 'problem') return [{ text: `problem: ${node.label}`, style: 'red' }];
  const digest = node.digest ? `  ${node.digest}` : '';
  return line(...mark(node.verdict), `${node.kind} `, node.label, { text: digest, style: 'dim' });
}

function mark(verdict: TreeNode['verdict']): Line {
  if (!verdict) return [];
  const style: TextStyle = verdict.valid ? 'green' : 'red';
  const text = verdict.valid ? `✓ ${verdict.key ?? ''} ` : `✗ ${verdict.code ?? ''} `;
  return [{ text, style }];
}

/** Bytes for people, powers of 1000 as registries count. */
export function formatSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
