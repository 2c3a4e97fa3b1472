--@ plain
SELECT a, b AS c, d "e" FROM t;
--@ distinct
SELECT DISTINCT a, b FROM t;
--@ quantifier-all
SELECT ALL a FROM t;
--@ star
SELECT *, t.*, s.t.* FROM t;
--@ star-aliases
SELECT t.* AS (x, y) FROM t;
--@ three-part-names
SELECT cat.sch.tab.col FROM cat.sch.tab;
--@ quoted-names
SELECT "a b", "c""d" FROM "S"."T u";
--@ keywords-as-names
SELECT year, month, day, hour, date, time, zone, type, data, key, value, count, position, rank, limit, first, last, if, map, row FROM show;
--@ keywords-as-aliases
SELECT a limit, b offset, c window FROM t fetch;
--@ comments
SELECT /* one
two */ a -- three
FROM t;
--@ numbers
SELECT 0, 42, -42, 1.5, .5, 5., 1e3, 1.5E-3, .5e+3;
--@ numbers-newer
SELECT 1_000_000, 0xFF, 0b101, 0o17, 1_000.000_1;
--@ strings
SELECT 'plain', 'it''s', '', 'two
lines', 'ünï';
--@ strings-unicode
SELECT U&'\0041', U&'!0041' UESCAPE '!', X'00ff';
--@ typed-literals
SELECT DATE '2020-01-01', TIME '10:00', TIMESTAMP '2020-01-01 10:00:00', DECIMAL '1.50', DOUBLE '1', BIGINT '1', CHAR 'x', JSON '{}', IPADDRESS '::1';
--@ intervals
SELECT INTERVAL '1' DAY, INTERVAL -'1' HOUR, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 2:03' DAY TO MINUTE;
--@ arithmetic
SELECT a + b - c * d / e % f, -a, +a, - -a, -(a + b);
--@ concatenation
SELECT a || b || c || 'x';
--@ comparisons
SELECT a = b, a <> b, a != b, a < b, a <= b, a > b, a >= b;
--@ logic
SELECT NOT a AND b OR c AND NOT (d OR e), NOT NOT a;
--@ null-tests
SELECT a IS NULL, a IS NOT NULL, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b;
--@ truth-tests
SELECT a IS TRUE, a IS NOT FALSE, a IS UNKNOWN;
--@ between
SELECT a BETWEEN 1 AND 2, a NOT BETWEEN b - 1 AND b + 1;
--@ between-symmetric
SELECT a BETWEEN SYMMETRIC 2 AND 1;
--@ in
SELECT a IN (1), a NOT IN (1, 2, 3), (a, b) IN ((1, 2), (3, 4));
--@ like
SELECT a LIKE 'x%', a NOT LIKE b, a LIKE 'x#%' ESCAPE '#';
--@ subqueries
SELECT (SELECT max(b) FROM u), a IN (SELECT b FROM u), EXISTS (SELECT 1 FROM u WHERE u.a = t.a) FROM t WHERE a > ALL (SELECT b FROM u) OR a = ANY (SELECT b FROM u);
--@ subquery-with
SELECT (WITH x AS (SELECT 1 AS y) SELECT y FROM x);
--@ rows
SELECT (1, 2), ROW(1, 'x'), ROW(1), (1, 2) = (3, 4);
--@ row-names
SELECT ROW(1 AS a, 2 b);
--@ arrays
SELECT ARRAY[], ARRAY[1, 2], ARRAY[ARRAY[1], ARRAY[2]], a[1], a[1][2], f(x)[i + 1];
--@ brackets
SELECT [1, 2, 3];
--@ fields
SELECT r.x, (r).x.y, f(a).b, a[1].b;
--@ case
SELECT CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END, CASE WHEN a > 1 THEN 'x' END;
--@ case-predicates
SELECT CASE a WHEN > 5 THEN 'big' WHEN BETWEEN 1 AND 5 THEN 'small' WHEN IS NULL THEN 'none' END;
--@ conditional
SELECT IF(a, b), IF(a, b, c), COALESCE(a, b, c), NULLIF(a, b), TRY(a / b), format('%s', a);
--@ cast
SELECT CAST(a AS bigint), TRY_CAST(a AS varchar(10)), CAST(a AS decimal(10, 2)), CAST(a AS timestamp(3) with time zone), CAST(a AS time without time zone), CAST(a AS double precision);
--@ cast-nested-types
SELECT CAST(a AS array(bigint)), CAST(a AS map(varchar, array(double))), CAST(a AS row(x bigint, y row(z varchar))), CAST(a AS interval day to second), CAST(a AS bigint ARRAY);
--@ functions
SELECT f(), f(a), f(a, b), s.f(a), cat.s.f(a), count(*), count(DISTINCT a), count(ALL a);
--@ named-arguments
SELECT f(a => 1, b => x -> x);
--@ methods
SELECT (a).f(1), t::f(1);
--@ aggregates
SELECT array_agg(a ORDER BY b DESC NULLS FIRST, c), sum(a) FILTER (WHERE b > 1);
--@ listagg
SELECT listagg(a, ',') WITHIN GROUP (ORDER BY b), listagg(DISTINCT a) WITHIN GROUP (ORDER BY b DESC);
--@ listagg-overflow
SELECT listagg(a, ',' ON OVERFLOW ERROR) WITHIN GROUP (ORDER BY b), listagg(a, ',' ON OVERFLOW TRUNCATE '…' WITHOUT COUNT) WITHIN GROUP (ORDER BY b);
--@ lambdas
SELECT transform(a, x -> x + 1), reduce(a, 0, (s, x) -> s + x, s -> s), f(() -> 1);
--@ extract
SELECT extract(year FROM a), EXTRACT(TIMEZONE_HOUR FROM a), extract(DOY FROM a + b);
--@ strings-functions
SELECT position('a' IN b), substring(a FROM 1), substring(a FROM 1 FOR 2), substring(a, 1, 2), trim(a), trim(LEADING 'x' FROM a), trim(TRAILING FROM a), normalize(a), normalize(a, NFD);
--@ overlay
SELECT overlay(a PLACING b FROM 1 FOR 2);
--@ now
SELECT current_date, current_time, current_timestamp, current_timestamp(6), localtime, localtimestamp(3);
--@ who
SELECT current_user, current_catalog, current_schema, current_path;
--@ time-zones
SELECT a AT TIME ZONE 'UTC', a AT TIME ZONE INTERVAL '2' HOUR, a + b AT TIME ZONE 'UTC';
--@ at-local
SELECT a AT LOCAL;
--@ parameters
SELECT ? FROM t WHERE a = ? LIMIT ?;
--@ json-access
SELECT json_exists(j, 'lax $.a'), json_value(j, 'lax $.a' RETURNING bigint NULL ON EMPTY DEFAULT -1 ON ERROR), json_query(j, 'strict $' WITH ARRAY WRAPPER), json_query(j, '$' KEEP QUOTES);
--@ json-passing
SELECT json_value(j FORMAT JSON, 'lax $.a[$i]' PASSING 1 AS "i", k FORMAT JSON AS "k");
--@ json-construction
SELECT json_object('a' : 1, 'b' : 2), json_object(KEY 'a' VALUE 1 NULL ON NULL WITH UNIQUE KEYS), json_array(1, 'x', TRUE ABSENT ON NULL), json_array(), json_object();
--@ json-accessor
SELECT j.items[*], j.'some key', j.a.b[0];
--@ overlaps
SELECT (a, b) OVERLAPS (c, d), overlaps FROM t;
--@ match-predicate
SELECT * FROM t WHERE a MATCH UNIQUE FULL (SELECT b FROM u);
--@ joins
SELECT * FROM a JOIN b ON a.x = b.x INNER JOIN c USING (x, y) LEFT JOIN d ON TRUE RIGHT OUTER JOIN e ON TRUE FULL JOIN f USING (z) CROSS JOIN g NATURAL JOIN h NATURAL LEFT JOIN i;
--@ joins-nested
SELECT * FROM a LEFT JOIN (b JOIN c ON b.x = c.x) ON a.x = b.x, d JOIN e JOIN f ON e.y = f.y ON d.y = e.y;
--@ subquery-relations
SELECT * FROM (SELECT 1) a, (SELECT 2 UNION SELECT 3) AS b (x), ((SELECT 1) UNION ALL (SELECT 2)) c, (VALUES 1, 2) d (y), (TABLE t) e;
--@ lateral
SELECT * FROM t, LATERAL (SELECT t.a + 1) AS u (b) CROSS JOIN LATERAL (VALUES t.a) v;
--@ unnest
SELECT * FROM t CROSS JOIN UNNEST(t.a, t.b) WITH ORDINALITY AS u (x, y, n), UNNEST(ARRAY[1]);
--@ samples
SELECT * FROM t TABLESAMPLE BERNOULLI (10) JOIN u AS v TABLESAMPLE SYSTEM (0.5) ON TRUE;
--@ travel
SELECT * FROM t FOR VERSION AS OF 5 AS u JOIN v FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00' ON TRUE;
--@ table-functions
SELECT * FROM TABLE(sequence(1, 10)), TABLE(cat.s.f(a => 1, b => TABLE(t) PARTITION BY x ORDER BY y, c => DESCRIPTOR(p, q bigint))) AS f (g);
--@ table-functions-copartition
SELECT * FROM TABLE(f(TABLE(SELECT 1) AS t (x) PRUNE WHEN EMPTY, TABLE(u) PARTITION BY (a, b) KEEP WHEN EMPTY, CAST(NULL AS DESCRIPTOR) COPARTITION (t, u)));
--@ json-table
SELECT * FROM JSON_TABLE(j, 'lax $' AS p COLUMNS (n FOR ORDINALITY, a bigint PATH 'lax $.a' ERROR ON ERROR, NESTED PATH '$.b' AS q COLUMNS (c varchar)) PLAN DEFAULT (INNER, CROSS)) t;
--@ nearest
SELECT * FROM t JOIN NEAREST (FROM u WHERE u.k = t.k MATCH u.x <= t.x) AS n ON TRUE;
--@ pivot
SELECT * FROM t PIVOT (sum(x) AS s, count(*) AS c FOR m IN (1 AS jan, 2 AS feb) GROUP BY ROLLUP (r)) AS p (a, b, c, d);
--@ match-recognize
SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY a ORDER BY b MEASURES FIRST(x.c) AS f, RUNNING LAST(y.c) AS l, count(x.*) AS n ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW INITIAL PATTERN (x+ y{2,3}? (z | w)* () ) SUBSET u = (x, y) DEFINE x AS c > 1, y AS PREV(c, 2) < c) AS m;
--@ match-recognize-patterns
SELECT * FROM t MATCH_RECOGNIZE (PATTERN (^ a?? b*? c+? {- d e -} PERMUTE(f, g | h) i{3} j{,4} k{5,} $) DEFINE a AS TRUE);
--@ where-group-having
SELECT a, count(*) FROM t WHERE b > 1 GROUP BY a HAVING count(*) > 2 ORDER BY 2 DESC, a ASC NULLS FIRST;
--@ grouping-sets
SELECT a, grouping(a, b) FROM t GROUP BY GROUPING SETS ((a, b), a, ());
--@ rollup-cube
SELECT a FROM t GROUP BY a, ROLLUP (b, c), CUBE (d, e);
--@ group-by-quantifier
SELECT a FROM t GROUP BY DISTINCT GROUPING SETS (a, b), GROUPING SETS (c, a);
--@ group-by-auto
SELECT a, sum(b) FROM t GROUP BY AUTO;
--@ rollup-of-sets
SELECT a FROM t GROUP BY ROLLUP (a, (b, c));
--@ windows
SELECT rank() OVER (), sum(a) OVER (PARTITION BY b, c ORDER BY d DESC), lag(a, 1) IGNORE NULLS OVER (ORDER BY b), nth_value(a, 2) RESPECT NULLS OVER (ORDER BY b) FROM t;
--@ window-frames
SELECT sum(a) OVER (ORDER BY b ROWS 2 PRECEDING), sum(a) OVER (ORDER BY b RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW), sum(a) OVER (ORDER BY b GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING), sum(a) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM t;
--@ window-names
SELECT sum(a) OVER w, avg(a) OVER (w ROWS UNBOUNDED PRECEDING) FROM t WINDOW w AS (PARTITION BY b), v AS (w ORDER BY c);
--@ window-patterns
SELECT m OVER w FROM t WINDOW w AS (ORDER BY a MEASURES LAST(x.b) AS m ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING AFTER MATCH SKIP TO NEXT ROW SEEK PATTERN (x y*) DEFINE x AS b > 1, y AS b < 1);
--@ set-operations
SELECT 1 UNION SELECT 2 UNION ALL SELECT 3 INTERSECT SELECT 4 EXCEPT ALL SELECT 5;
--@ set-operations-nested
(SELECT 1 ORDER BY 1 LIMIT 1) UNION ((SELECT 2) EXCEPT (SELECT 3)) ORDER BY 1;
--@ corresponding
SELECT a, b FROM t UNION ALL CORRESPONDING BY (a) SELECT b, a FROM u;
--@ values
VALUES 1, (2), (3, 'x'), ROW(4, 'y');
--@ table
TABLE s.t;
--@ with
WITH a AS (SELECT 1 AS x), b (y) AS (SELECT x FROM a) SELECT * FROM a, b;
--@ with-recursive
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT n FROM r;
--@ limits
SELECT a FROM t ORDER BY a OFFSET 5 ROWS LIMIT 10;
--@ limit-all
SELECT a FROM t LIMIT ALL;
--@ fetch
SELECT a FROM t ORDER BY a OFFSET 1 FETCH FIRST 10 ROWS ONLY;
--@ fetch-ties
SELECT a FROM t ORDER BY a FETCH NEXT ROW WITH TIES;
--@ with-session
WITH SESSION query_max_memory = '1GB', cat.x = TRUE SELECT 1;
--@ explain
EXPLAIN SELECT 1;
--@ explain-options
EXPLAIN (TYPE LOGICAL, FORMAT TEXT) SELECT 1;
--@ explain-analyze
EXPLAIN ANALYZE VERBOSE SELECT 1;
--@ show-catalogs
SHOW CATALOGS LIKE 'a%';
--@ show-schemas
SHOW SCHEMAS IN c LIKE 'a$_%' ESCAPE '$';
--@ show-tables
SHOW TABLES FROM c.s;
--@ show-columns
SHOW COLUMNS FROM c.s.t;
--@ show-columns-like
SHOW COLUMNS FROM t LIKE 'a%';
--@ describe
DESCRIBE c.s.t;
--@ desc
DESC t;
--@ show-functions
SHOW FUNCTIONS LIKE 'a%';
--@ show-functions-from
SHOW FUNCTIONS FROM c.s;
--@ show-session
SHOW SESSION LIKE 'a%';
--@ show-create-table
SHOW CREATE TABLE c.s.t;
--@ show-create-function
SHOW CREATE FUNCTION c.s.f;
--@ show-stats
SHOW STATS FOR t;
--@ show-stats-query
SHOW STATS FOR (SELECT * FROM t WHERE a > 1);
--@ use
USE s;
--@ use-catalog
USE c.s;
--@ set-session
SET SESSION c.x = 'y';
--@ reset-session
RESET SESSION x;
--@ session-user
SET SESSION AUTHORIZATION alice;
--@ session-user-reset
RESET SESSION AUTHORIZATION;
--@ set-time-zone
SET TIME ZONE 'Europe/Berlin';
--@ set-time-zone-local
SET TIME ZONE LOCAL;
--@ set-path
SET PATH a, c.s;
--@ prepare
PREPARE p FROM SELECT * FROM t WHERE a = ?;
--@ execute
EXECUTE p USING 1, 'x';
--@ execute-immediate
EXECUTE IMMEDIATE 'SELECT ?' USING 1;
--@ deallocate
DEALLOCATE PREPARE p;
--@ describe-input
DESCRIBE INPUT p;
--@ describe-output
DESCRIBE OUTPUT p;
--@ describe-output-query
DESCRIBE OUTPUT (SELECT 1);
--@ start-transaction
START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE;
--@ commit
COMMIT WORK;
--@ rollback
ROLLBACK;
