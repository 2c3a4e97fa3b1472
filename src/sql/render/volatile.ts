/**
 * Kernel SQL that gives another value each time. The kernel does not look into lambdas for it: `list_transform(l, lambda x:
 * random())` over a list that stays the same is a constant to it. So such a list says itself that it is volatile.
 */

/** Calls of the kernel that give another value each time. */
const VOLATILE = /\b(?:random|uuid)\(\)/;

export const isVolatile = (sql: string): boolean => VOLATILE.test(sql);

/** The same value, which the kernel computes for each row and in each place. */
const anew = (sql: string): string => (isVolatile(sql) ? sql : `CASE WHEN random() >= 0 THEN ${sql} END`);

/** The list (or map) that a lambda runs over, given the kernel SQL of the lambda. */
export const listFor = (lambda: string, list: string): string => (isVolatile(lambda) ? anew(list) : list);
