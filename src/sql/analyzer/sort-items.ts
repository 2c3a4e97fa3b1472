/** ORDER BY items as typed sort orders. NULLs come last unless the item says otherwise, whatever the direction. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { isOrderable } from '../../types/coercion.ts';
import { typeName } from '../../types/type.ts';
import type { Expression, SortOrder } from '../expression.ts';

export function sortOrder(item: ast.SortItem, expression: Expression): SortOrder {
  if (!isOrderable(expression.type)) {
    throw new QueryError(
      'TYPE_MISMATCH',
      `ORDER BY can only be applied to orderable types (actual: ${typeName(expression.type)})`,
      item.key.location,
    );
  }
  return { expression, descending: item.descending, nullsFirst: item.nulls === 'FIRST' };
}

/** ORDER BY within a call or a window: no ordinals, no aliases. */
export function sortOrders(
  items: readonly ast.SortItem[],
  analyze: (key: ast.Expression) => Expression,
): readonly SortOrder[] {
  return items.map((item) => sortOrder(item, analyze(item.key)));
}
