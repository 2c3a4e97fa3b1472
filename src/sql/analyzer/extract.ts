/** EXTRACT(field FROM value): which function it is, and which values have such a field. */

import type * as ast from '../ast.ts';
import { QueryError } from '../../common/errors.ts';
import { type TypeKind, typeName } from '../../types/type.ts';
import type { Expression } from '../expression.ts';
import type { ExpressionAnalyzer } from './expression-analyzer.ts';

export function extract(analyzer: ExpressionAnalyzer, node: ast.Extract): Expression {
  const value = analyzer.analyze(node.value);
  const { kind } = value.type;
  if (kind === 'unknown' || kindsWith(node.field).includes(kind)) {
    return analyzer.call(EXTRACT_FUNCTIONS[node.field], [value], node.location);
  }
  throw new QueryError(
    'TYPE_MISMATCH',
    `Cannot extract ${node.field} from ${typeName(value.type)}`,
    node.value.location,
  );
}

const DAYS: readonly TypeKind[] = ['date', 'timestamp', 'timestamp with time zone'];
const CLOCKS: readonly TypeKind[] = ['time', 'time with time zone', 'timestamp', 'timestamp with time zone'];

function kindsWith(field: ast.ExtractField): readonly TypeKind[] {
  switch (field) {
    case 'YEAR':
    case 'MONTH':
      return [...DAYS, 'interval year to month'];
    case 'DAY':
      return [...DAYS, 'interval day to second'];
    case 'QUARTER':
    case 'WEEK':
    case 'DAY_OF_MONTH':
    case 'DAY_OF_WEEK':
    case 'DOW':
    case 'DAY_OF_YEAR':
    case 'DOY':
    case 'YEAR_OF_WEEK':
    case 'YOW':
      return DAYS;
    case 'HOUR':
    case 'MINUTE':
    case 'SECOND':
      return [...CLOCKS, 'interval day to second'];
    case 'TIMEZONE_HOUR':
    case 'TIMEZONE_MINUTE':
      return ['time with time zone', 'timestamp with time zone'];
  }
}

const EXTRACT_FUNCTIONS: Readonly<Record<ast.ExtractField, string>> = {
  YEAR: 'year',
  QUARTER: 'quarter',
  MONTH: 'month',
  WEEK: 'week',
  DAY: 'day',
  DAY_OF_MONTH: 'day',
  DAY_OF_WEEK: 'day_of_week',
  DOW: 'day_of_week',
  DAY_OF_YEAR: 'day_of_year',
  DOY: 'day_of_year',
  YEAR_OF_WEEK: 'year_of_week',
  YOW: 'year_of_week',
  HOUR: 'hour',
  MINUTE: 'minute',
  SECOND: 'second',
  TIMEZONE_HOUR: 'timezone_hour',
  TIMEZONE_MINUTE: 'timezone_minute',
};
