/** UNION ALL, INTERSECT and EXCEPT, by what Trino takes for equal values. */

import { assert } from '../../common/assert.ts';
import type { SetOperationNode } from '../../plan/nodes.ts';
import { hasKeyOfItsOwn, kernelType, keySql, NO_COLUMNS } from '../../types/kernel.ts';
import type { PlanContext } from './plan-context.ts';
import { column } from './text.ts';

export function renderSetOperation(node: SetOperationNode, context: PlanContext): string {
  const parts = node.sources.map((part, i) => {
    const columns = node.symbols.map((symbol, at) => {
      const input = node.inputs[i]![at]!;
      assert(kernelType(input.type) === kernelType(symbol.type), 'the inputs of a set operation have its types');
      return `${column(input)} AS ${column(symbol)}`;
    });
    return { columns: columns.join(', ') || NO_COLUMNS, from: context.source(part) };
  });
  if (node.operation !== 'UNION ALL' && node.symbols.some(({ type }) => hasKeyOfItsOwn(type))) {
    const numbered = parts.map(({ columns, from }, i) => `(SELECT ${columns}, ${i} AS ${SIDE} FROM ${from})`);
    return countedByKeys(node, node.operation, numbered.join(' UNION ALL '));
  }
  const joined = parts.map(({ columns, from }) => `(SELECT ${columns} FROM ${from})`).join(` ${node.operation} `);
  return node.operation === 'UNION ALL' ? joined : `SELECT * FROM (${joined})`;
}

/** A name that no symbol has. */
const SIDE = '"side."';

/**
 * The kernel's own set operations compare whole values, so that one instant in two zones would count as two. Here the rows
 * of each side are counted by their keys, and the first side's are yielded as often as the operation says.
 */
function countedByKeys(
  node: SetOperationNode,
  operation: Exclude<SetOperationNode['operation'], 'UNION ALL'>,
  numbered: string,
): string {
  const [first, ...others] = node.sources.map((_, i) => `count(*) FILTER (WHERE ${SIDE} = ${i})`);
  const all = [first, ...others].join(', ');
  const times = {
    INTERSECT: `least(1, ${all})`,
    'INTERSECT ALL': `least(${all})`,
    EXCEPT: `CASE WHEN ${[`${first} > 0`, ...others.map((count) => `${count} = 0`)].join(' AND ')} THEN 1 ELSE 0 END`,
    'EXCEPT ALL': `greatest(0, ${[first, ...others].join(' - ')})`,
  }[operation];
  const columns = node.symbols.map((symbol) => `first(${column(symbol)} ORDER BY ${SIDE}) AS ${column(symbol)}`);
  const keys = node.symbols.map(({ name, type }) => keySql(type, column({ name, type })));
  const counted = `SELECT ${columns.join(', ')}, ${times} AS "times." FROM (${numbered}) GROUP BY ${keys.join(', ')}`;
  const repeated = `SELECT *, unnest(range("times.")) FROM (${counted})`;
  return `SELECT ${node.symbols.map(column).join(', ')} FROM (${repeated})`;
}
