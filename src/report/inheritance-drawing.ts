import type { InheritanceNode } from '../inheritance/index.js';
import { coloursOf } from './custody-drawing.js';

/** A colour for each team that stands for layers, in the order in which they stand in the tree, scratch first. */
export function inheritanceColours(root: InheritanceNode): ReadonlyMap<string, string> {
  return coloursOf(teamsOf(root));
}

function teamsOf({ owners, children }: InheritanceNode): readonly string[] {
  return [...owners.map(({ team }) => team), ...children.flatMap(teamsOf)];
}

/** Something of a certain height, and what stands on it. */
export interface Box<T> {
  readonly item: T;
  readonly height: number;
  readonly children: readonly Box<T>[];
}

export interface PlacedBox<T> {
  readonly item: T;
  readonly height: number;
  /** Boxes between it and the root. */
  readonly level: number;
  /** Of its top edge. */
  readonly y: number;
  readonly children: readonly PlacedBox<T>[];
}

/**
 * Lays a tree out from left to right: leaves one below the other, what they stand on at the middle between the first and the
 * last of them. No two boxes of one level touch.
 */
export function layOut<T>(
  box: Box<T>,
  gap: number,
  top = 0,
  level = 0,
): { readonly placed: PlacedBox<T>; readonly height: number } {
  let y = top;
  const laid = box.children.map(child => {
    const done = layOut(child, gap, y, level + 1);
    y += done.height + gap;
    return done;
  });
  const span = Math.max(0, y - gap - top);
  const height = Math.max(box.height, span);
  const [first, last] = [laid[0]?.placed, laid.at(-1)?.placed];
  const middle = first && last ? (centreOf(first) + centreOf(last)) / 2 : top + box.height / 2;
  // A box that is higher than what stands on it pushes that down, and one near an edge stays within its part.
  const shift = (height - span) / 2;
  const wanted = first ? middle + shift - box.height / 2 : top;
  const own = Math.min(Math.max(wanted, top), top + height - box.height);
  const children =
    shift > 0 ? laid.map(({ placed }) => moved(placed, shift)) : laid.map(({ placed }) => placed);
  return { placed: { item: box.item, height: box.height, level, y: own, children }, height };
}

function moved<T>(box: PlacedBox<T>, by: number): PlacedBox<T> {
  return { ...box, y: box.y + by, children: box.children.map(child => moved(child, by)) };
}

export function centreOf({ y, height }: { readonly y: number; readonly height: number }): number {
  return y + height / 2;
}
