/**
 * The syntax tree: what a statement's text says, before names and types are known. Nouns follow Trino's grammar and tree.
 *
 * Nodes are immutable data. `start` and `end` are UTF-16 offsets into the statement's text (`text.slice(start, end)` quotes
 * a node); `location` is the line and column of the token that errors about the node should point to (for an operator
 * that is the operator's left end, as Trino reports it). Literals keep their exact text: no value passes through a
 * JavaScript number. Chains of AND, OR, `||`, UNION and INTERSECT are flat, so that long ones do not make deep trees.
 */

export type * from './ast/data-types.ts';
export type * from './ast/expressions.ts';
export type * from './ast/json.ts';
export type * from './ast/queries.ts';
export type * from './ast/relations.ts';
export type * from './ast/statements.ts';
