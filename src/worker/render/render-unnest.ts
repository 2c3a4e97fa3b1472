/** UNNEST: several arrays or maps side by side, as many rows as the longest has elements. */

import type { UnnestNode } from '../../plan/nodes.ts';
import type { Symbol } from '../../sql/expression.ts';
import { fieldName, kernelType } from '../../types/kernel.ts';
import { assert } from '../../common/assert.ts';
import type { PlanContext } from './plan-context.ts';
import { column } from './text.ts';

export function renderUnnest(node: UnnestNode, context: PlanContext): string {
  const lists = node.unnest.flatMap(({ input }) => listsOf(input));
  const length = `greatest(0, ${lists.map((list) => `coalesce(len(${list.sql}), 0)`).join(', ')})`;
  const elements = lists.map((list, i) => {
    // A row without elements is kept by one element of NULL.
    const value =
      node.type === 'LEFT'
        ? `CASE WHEN ${length} = 0 THEN CAST([NULL] AS ${list.type}) ELSE ${list.sql} END`
        : list.sql;
    return `unnest(${value}) AS "element.${i}"`;
  });
  const replicated = node.replicate.map(column);
  const ordinals = node.ordinality ? [`unnest(${ordinalsOf(node, length)}) AS ${column(node.ordinality)}`] : [];
  const inner = `SELECT ${[...replicated, ...elements, ...ordinals].join(', ')} FROM ${context.source(node.source)}`;
  let next = 0;
  const outputs = node.unnest.flatMap(({ input, outputs: symbols }) =>
    outputsOfElement(input, symbols, () => `"element.${next++}"`),
  );
  const columns = [...replicated, ...outputs, ...(node.ordinality ? [column(node.ordinality)] : [])];
  return `SELECT ${columns.join(', ')} FROM (${inner})`;
}

type List = { readonly sql: string; readonly type: string };

function listsOf(input: Symbol): readonly List[] {
  const { type } = input;
  if (type.kind === 'map') {
    return [
      { sql: `map_keys(${column(input)})`, type: `${kernelType(type.key)}[]` },
      { sql: `map_values(${column(input)})`, type: `${kernelType(type.value)}[]` },
    ];
  }
  return [{ sql: column(input), type: kernelType(type) }];
}

function ordinalsOf(node: UnnestNode, length: string): string {
  const numbers = `range(1, ${length} + 1)`;
  return node.type === 'LEFT' ? `CASE WHEN ${length} = 0 THEN CAST([NULL] AS BIGINT[]) ELSE ${numbers} END` : numbers;
}

function outputsOfElement(input: Symbol, symbols: readonly Symbol[], next: () => string): readonly string[] {
  const { type } = input;
  if (type.kind === 'map') return symbols.map((symbol) => `${next()} AS ${column(symbol)}`);
  const element = next();
  assert(type.kind === 'array', 'arrays and maps are unnested');
  if (type.element.kind === 'row') {
    return symbols.map((symbol, i) => `(${element}).${fieldName(i)} AS ${column(symbol)}`);
  }
  return symbols.map((symbol) => `${element} AS ${column(symbol)}`);
}
