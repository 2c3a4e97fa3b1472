/** UNION, INTERSECT and EXCEPT: columns of the inputs are brought to common types. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { commonType, isComparable } from '../../types/coercion.ts';
import { type SqlType, typeName } from '../../types/type.ts';
import { reference } from '../expression.ts';
import { coerce } from './coerce.ts';
import type { AnalyzedSource, AnalyzerContext } from './context.ts';
import { type Field, lineageOf, type Scope } from './scope.ts';

export function analyzeSetOperation(context: AnalyzerContext, node: ast.SetOperation, base: Scope): AnalyzedSource {
  const bodies = node.kind === 'Except' ? [node.left, node.right] : node.relations;
  const operation = node.kind.toUpperCase() as 'UNION' | 'INTERSECT' | 'EXCEPT';
  const inputs = bodies.map((body) => {
    const { location, start, end } = body;
    const { block, fields } = context.analyzeQuery({ kind: 'Query', location, start, end, body }, base);
    return { block, fields, location };
  });
  const chosen = node.corresponding
    ? corresponding(
        node,
        inputs.map((input) => input.fields),
        node.corresponding.columns,
      )
    : inputs.map((input) => input.fields);
  const width = chosen[0]!.length;
  for (const [i, fields] of chosen.entries()) {
    if (fields.length === width) continue;
    throw new QueryError(
      'TYPE_MISMATCH',
      `${operation} query has different number of fields: ${width}, ${fields.length}`,
      inputs[i]!.location,
    );
  }
  const types = chosen[0]!.map((first, column): SqlType => {
    let type = first.symbol.type;
    for (const fields of chosen) {
      const other = fields[column]!.symbol.type;
      const common = commonType(type, other);
      if (!common) {
        throw new QueryError(
          'TYPE_MISMATCH',
          `column ${column + 1} in ${operation} query has incompatible types: ${typeName(type)}, ${typeName(other)}`,
          node.location,
        );
      }
      type = common;
    }
    if ((node.kind !== 'Union' || node.distinct) && !isComparable(type)) {
      throw new QueryError(
        'TYPE_MISMATCH',
        `Type ${typeName(type)} is not comparable and therefore cannot be used in ${operation}${node.distinct ? ' DISTINCT' : ''}`,
        node.location,
      );
    }
    return type;
  });
  const symbols = types.map((type, i) => context.symbols.newSymbol(chosen[0]![i]!.name ?? 'expr', type));
  return {
    relation: {
      kind: 'set operation',
      operation,
      distinct: node.distinct,
      symbols,
      inputs: inputs.map((input, i) => ({
        query: input.block,
        columns: chosen[i]!.map((field, column) => coerce(reference(field.symbol), types[column]!)),
      })),
    },
    fields: symbols.map((symbol, i): Field => {
      const { name, ...first } = chosen[0]![i]!;
      return { ...(name !== undefined && { name }), ...lineageOf(first), symbol };
    }),
  };
}

/** CORRESPONDING: the columns that all inputs have by name, in the order of the first, or those listed. */
function corresponding(
  node: ast.SetOperation,
  inputs: readonly (readonly Field[])[],
  listed: readonly ast.Identifier[],
): readonly (readonly Field[])[] {
  for (const fields of inputs) {
    const seen = new Set<string>();
    for (const { name } of fields) {
      if (name === undefined) continue;
      if (seen.has(name.toLowerCase())) {
        throw new QueryError('AMBIGUOUS_NAME', `CORRESPONDING: column '${name}' is ambiguous`, node.location);
      }
      seen.add(name.toLowerCase());
    }
  }
  const byName = inputs.map((fields) => new Map(fields.map((field) => [field.name?.toLowerCase(), field])));
  const wanted = listed.length > 0 ? listed.map((name) => name.value) : inputs[0]!.map((field) => field.name);
  const names = wanted.filter((name) => name !== undefined && byName.every((fields) => fields.has(name.toLowerCase())));
  if (listed.length > names.length || names.length === 0) {
    throw new QueryError(
      'INVALID_COLUMN_REFERENCE',
      'CORRESPONDING columns must exist in every input',
      listed[0]?.location ?? node.location,
    );
  }
  return byName.map((fields) => names.map((name) => fields.get(name!.toLowerCase())!));
}
