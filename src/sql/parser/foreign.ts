/** Advice for forms of other dialects: how the same is said here. */
import type { Token, TokenType } from '../lexer.ts';

type Form = {
  /** How the tokens read around the failing one, which is number `failing` of them. Words in any case. */
  readonly words: readonly (string | undefined)[];
  readonly failing: number;
  readonly advice: string;
};

const FORMS: readonly Form[] = [
  form('LATERAL [VIEW]', 'instead of LATERAL VIEW explode(x), write CROSS JOIN UNNEST(x) AS t (column)'),
  form('LATERAL VIEW [*]', 'instead of LATERAL VIEW explode(x), write CROSS JOIN UNNEST(x) AS t (column)'),
  form('LEFT [SEMI]', 'instead of LEFT SEMI JOIN, write WHERE EXISTS (SELECT …) or WHERE x IN (SELECT …)'),
  form('LEFT [ANTI]', 'instead of LEFT ANTI JOIN, write WHERE NOT EXISTS (SELECT …)'),
  form('[SEMI] JOIN', 'instead of SEMI JOIN, write WHERE EXISTS (SELECT …)'),
  form(
    '[QUALIFY]',
    'instead of QUALIFY, filter in an outer query: SELECT * FROM (SELECT …, row_number() OVER (…) AS n …) WHERE n = 1',
  ),
  form(
    'QUALIFY [*]',
    'instead of QUALIFY, filter in an outer query: SELECT * FROM (SELECT …, row_number() OVER (…) AS n …) WHERE n = 1',
  ),
  form(
    'DISTINCT [ON]',
    'instead of DISTINCT ON, keep the first row of each group with row_number() OVER (PARTITION BY … ORDER BY …) in a subquery',
  ),
  form('[ILIKE]', 'instead of a ILIKE b, write lower(a) LIKE lower(b)'),
  form('[RLIKE]', 'instead of a RLIKE b, write regexp_like(a, b)'),
  form('[REGEXP]', 'instead of a REGEXP b, write regexp_like(a, b)'),
  form('[::]', 'instead of x::type, write CAST(x AS type)'),
  form(':: * [*]', 'instead of x::type, write CAST(x AS type)'),
  form('TOP [*]', 'instead of TOP n, write LIMIT n at the end'),
  form('[EXCLUDE]', 'name the columns that are wanted'),
  form('MINUS [SELECT]', 'instead of MINUS, write EXCEPT'),
  form('LIMIT [*]', 'LIMIT takes a whole number, ? or ALL'),
  form('OFFSET [*]', 'OFFSET takes a whole number or ?'),
  form(', [FROM]', 'there is a comma too many before FROM'),
  form('SHOW [DATABASES]', 'write SHOW SCHEMAS'),
  form('= [=]', 'equality is a single ='),
  form('[STRAIGHT_JOIN]', 'write JOIN'),
];

/** The advice that fits the token at `position`, if the text around it is a form of another dialect. */
export function foreignSyntax(sql: string, tokens: readonly Token[], position: number): string | undefined {
  const wordAt = (at: number): string => {
    const token = tokens[at];
    return token ? sql.slice(token.start, token.end).toUpperCase() : '';
  };
  const limitBeforeOffset = tokens[position]?.type === 'OFFSET' && tokens[position - 2]?.type === 'LIMIT';
  if (limitBeforeOffset) return 'OFFSET stands before LIMIT';
  if (tokens[position]?.type === ',' && isLimit(tokens[position - 2]?.type))
    return 'instead of LIMIT a, b, write OFFSET a LIMIT b';
  return FORMS.find(({ words, failing }) =>
    words.every((word, index) => word === undefined || word === wordAt(position - failing + index)),
  )?.advice;
}

const isLimit = (type: TokenType | undefined): boolean => type === 'LIMIT';

/** `A [B]`: the parse fails at B, with A before it. `*` is any token. */
function form(pattern: string, advice: string): Form {
  const words = pattern.split(' ');
  const failing = words.findIndex((word) => word.startsWith('['));
  return {
    words: words.map((word) => word.replaceAll(/^\[|\]$/g, '')).map((word) => (word === '*' ? undefined : word)),
    failing,
    advice,
  };
}
