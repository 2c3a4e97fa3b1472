/** Arrays of doubles as vectors: products and distances. */

import { define, type FunctionDefinition, type Render } from '../definition.ts';
import { refuseWhere, whenPresent } from './constants.ts';

const VECTOR = 'array(double)';
const dot = (a: string, b: string): string =>
  `coalesce(list_sum(list_transform(range(1, len(${a}) + 1), lambda i: ${a}[i] * ${b}[i])), 0e0)`;
const vector =
  (body: (a: string, b: string) => string): Render =>
  ([a = '', b = ''], { bind }) =>
    bind(a, (x) =>
      bind(b, (y) =>
        refuseWhere(
          `len(${x}) <> len(${y})`,
          `'The arguments must have the same length'`,
          whenPresent(
            [x, y],
            `CASE WHEN list_position(${x}, NULL) IS NULL AND list_position(${y}, NULL) IS NULL THEN ${body(x, y)} END`,
          ),
        ),
      ),
    );
const cosine = (a: string, b: string): string =>
  refuseWhere(
    `${dot(a, a)} = 0 OR ${dot(b, b)} = 0`,
    `'Vector magnitude cannot be zero'`,
    `${dot(a, b)} / sqrt(${dot(a, a)} * ${dot(b, b)})`,
  );

export const VECTORS: readonly FunctionDefinition[] = [
  define(`dot_product(${VECTOR}, ${VECTOR}): double`, vector(dot)),
  define(
    `euclidean_distance(${VECTOR}, ${VECTOR}): double`,
    vector(
      (a, b) =>
        `sqrt(coalesce(list_sum(list_transform(range(1, len(${a}) + 1), lambda i: (${a}[i] - ${b}[i]) * (${a}[i] - ${b}[i]))), 0e0))`,
    ),
  ),
  define(`cosine_similarity(${VECTOR}, ${VECTOR}): double`, vector(cosine)),
  define(
    `cosine_distance(${VECTOR}, ${VECTOR}): double`,
    vector((a, b) => `1 - (${cosine(a, b)})`),
  ),
];
