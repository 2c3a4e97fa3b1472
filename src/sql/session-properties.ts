/** The session properties that exist: `SHOW SESSION`, `SET SESSION` and everyone who reads one go through this list. */

import { nearest, QueryError } from '../common/errors.ts';

export type SessionProperty = {
  readonly name: string;
  readonly type: 'boolean' | 'integer' | 'varchar';
  readonly fallback: string;
  readonly values?: readonly string[];
  readonly description: string;
};

export const SESSION_PROPERTIES: readonly SessionProperty[] = [
  {
    name: 'join_distribution_type',
    type: 'varchar',
    fallback: 'AUTOMATIC',
    values: ['AUTOMATIC', 'BROADCAST', 'PARTITIONED'],
    description: 'How the build side of a join reaches its probe side',
  },
  {
    name: 'join_reordering_strategy',
    type: 'varchar',
    fallback: 'AUTOMATIC',
    values: ['AUTOMATIC', 'NONE'],
    description: 'Whether the optimizer chooses the order of joins',
  },
  {
    name: 'distribution',
    type: 'varchar',
    fallback: 'AUTOMATIC',
    values: ['AUTOMATIC', 'FORCED', 'NONE'],
    description: 'FORCED distributes every query over all workers, NONE runs each on one; for tests and benchmarks',
  },
  {
    name: 'adaptive',
    type: 'boolean',
    fallback: 'true',
    description: 'Whether a plan is looked at again with the exact rows and bytes of finished stages',
  },
  {
    name: 'hash_partition_count',
    type: 'integer',
    fallback: '0',
    description: 'Tasks of a repartitioned stage; 0 = as many as the workers have slots',
  },
  {
    name: 'split_bytes_max',
    type: 'integer',
    fallback: '67108864',
    description: 'Bytes of table data that one task reads at most',
  },
  {
    name: 'query_max_run_time_s',
    type: 'integer',
    fallback: '86400',
    description: 'Seconds after which a running query fails with EXCEEDED_TIME_LIMIT',
  },
  {
    name: 'time_zone_id',
    type: 'varchar',
    fallback: '',
    description: 'Time zone of the session; empty = the one the client sends',
  },
  {
    name: 'max_recursion_depth',
    type: 'integer',
    fallback: '10',
    description: 'Rounds of a WITH RECURSIVE before the query fails',
  },
];

/** The value in force: the session's, else the default. Throws INVALID_SESSION_PROPERTY for a bad name or value. */
export function sessionProperty(properties: Readonly<Record<string, string>>, name: string): string {
  const known = SESSION_PROPERTIES.find((property) => property.name === name);
  if (!known) {
    const near = nearest(
      name,
      SESSION_PROPERTIES.map((property) => property.name),
    );
    const hint = near ? `; did you mean ${near}?` : '; SHOW SESSION lists them';
    throw new QueryError('INVALID_SESSION_PROPERTY', `Session property '${name}' does not exist${hint}`);
  }
  const value = properties[name];
  return value === undefined ? known.fallback : validated(known, value);
}

function validated(property: SessionProperty, value: string): string {
  const { name, type, values } = property;
  const refuse = (expected: string): never => {
    throw new QueryError('INVALID_SESSION_PROPERTY', `Session property ${name} must be ${expected}, not '${value}'`);
  };
  if (type === 'boolean') return /^(true|false)$/i.test(value) ? value.toLowerCase() : refuse('true or false');
  if (type === 'integer') return /^\d{1,15}$/.test(value) ? value : refuse('a whole number');
  if (values && !values.includes(value.toUpperCase())) return refuse(`one of ${values.join(', ')}`);
  return values ? value.toUpperCase() : value;
}
