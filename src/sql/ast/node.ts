import type { SourceLocation } from '../../common/errors.ts';

/** What every node of the syntax tree has; see `ast.ts`. */
export type Node<Kind extends string> = {
  readonly kind: Kind;
  readonly location: SourceLocation;
  readonly start: number;
  readonly end: number;
};
