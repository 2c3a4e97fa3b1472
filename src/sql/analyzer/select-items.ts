/** The items of SELECT, `*` expanded, with the names of their columns. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { type Expression, reference } from '../expression.ts';
import type { AnalyzerContext } from './context.ts';
import { ExpressionAnalyzer } from './expression-analyzer.ts';
import { type Field, type Lineage, lineageOf, nameParts, type Scope } from './scope.ts';

export type SelectedItem = {
  /** Alias, or the name of the column that it is. */
  readonly name?: string;
  readonly lineage: Lineage;
  /** For errors. */
  readonly node: ast.SelectItem;
  /** Absent for columns of `*`. */
  readonly expression?: ast.Expression;
  readonly analyze: (analyzer: ExpressionAnalyzer) => Expression;
};

export function expandSelect(
  context: AnalyzerContext,
  select: ast.Select,
  scope: Scope,
  sourceFields: readonly Field[],
): readonly SelectedItem[] {
  return select.items.flatMap((node): readonly SelectedItem[] => {
    if (node.kind === 'SingleColumn') {
      const name = node.alias?.value ?? columnName(node.expression);
      const parts = nameParts(node.expression);
      const origin = parts && scope.own(parts)?.origin;
      return [
        {
          ...(name !== undefined && { name }),
          lineage: { ...(origin && { origin }), ...(node.alias && { aliased: true }) },
          node,
          expression: node.expression,
          analyze: (analyzer) => analyzer.analyze(node.expression),
        },
      ];
    }
    const items = node.target ? starOf(context, node, node.target, scope) : allColumns(node, sourceFields);
    if (node.aliases.length === 0) return items;
    if (node.aliases.length !== items.length) {
      throw new QueryError(
        'MISMATCHED_COLUMN_ALIASES',
        `Column alias list has ${node.aliases.length} entries but relation has ${items.length} columns`,
        node.location,
      );
    }
    return items.map((item, i) => ({
      ...item,
      name: node.aliases[i]!.value,
      lineage: { ...item.lineage, aliased: true },
    }));
  });
}

function allColumns(node: ast.AllColumns, sourceFields: readonly Field[]): readonly SelectedItem[] {
  const visible = sourceFields.filter((field) => !field.hidden);
  if (visible.length > 0) return visible.map((field) => fieldItem(node, field));
  throw new QueryError('COLUMN_NOT_FOUND', 'SELECT * not allowed from relation that has no columns', node.location);
}

const fieldItem = (node: ast.AllColumns, field: Field): SelectedItem => ({
  ...(field.name !== undefined && { name: field.name }),
  lineage: lineageOf(field),
  node,
  analyze: () => reference(field.symbol),
});

/** `t.*` of a relation, or the fields of a row. */
function starOf(
  context: AnalyzerContext,
  node: ast.AllColumns,
  target: ast.Expression,
  scope: Scope,
): readonly SelectedItem[] {
  const parts = nameParts(target);
  const fields = parts && scope.fieldsOf(parts)?.filter((field) => !field.hidden);
  if (fields) return fields.map((field) => fieldItem(node, field));
  if (parts && !scope.find(parts, node.location) && !scope.holdsPrefixOf(parts)) {
    throw new QueryError('TABLE_NOT_FOUND', `Unable to resolve reference ${parts.join('.')}`, target.location);
  }
  const place = { name: 'SELECT clause', aggregates: false, windows: false };
  const { type } = new ExpressionAnalyzer(context, scope, place).analyze(target);
  if (type.kind !== 'row') {
    throw new QueryError('TYPE_MISMATCH', 'Cannot expand with .* what is not a row', target.location);
  }
  return type.fields.map((field, index) => ({
    ...(field.name !== undefined && { name: field.name }),
    lineage: {},
    node,
    analyze: (analyzer) => ({ kind: 'Field', type: field.type, base: analyzer.analyze(target), index }),
  }));
}

const columnName = (expression: ast.Expression): string | undefined => {
  if (expression.kind === 'Identifier') return expression.value;
  return expression.kind === 'Dereference' ? expression.field.value : undefined;
};
