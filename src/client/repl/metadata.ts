/** Names for completion, asked of the server through SQL when they are first wanted, and kept for a while. */
import { quotedName } from '../../common/names.ts';
import { signatureOf } from '../column-kind.ts';
import { ConnectionFailure, StatementFailure } from '../failures.ts';
import { readCells } from '../formats/cells.ts';
import type { ProtocolClient } from '../protocol-client.ts';

export type Metadata = {
  catalogs(): Promise<readonly string[]>;
  schemas(catalog: string): Promise<readonly string[]>;
  tables(catalog: string, schema: string): Promise<readonly string[]>;
  columns(catalog: string, schema: string, table: string): Promise<readonly string[]>;
  functions(): Promise<readonly string[]>;
};

/** Somebody else may create tables meanwhile. */
const KEPT_MS = 60_000;

export class ServerMetadata implements Metadata {
  readonly #client: ProtocolClient;
  readonly #kept = new Map<string, { readonly names: Promise<readonly string[]>; readonly until: number }>();

  constructor(client: ProtocolClient) {
    this.#client = client;
  }

  /** After a statement that may have changed what exists. */
  forget(): void {
    this.#kept.clear();
  }

  catalogs(): Promise<readonly string[]> {
    return this.#names('SHOW CATALOGS');
  }

  schemas(catalog: string): Promise<readonly string[]> {
    return this.#names(`SHOW SCHEMAS FROM ${quotedName(catalog)}`);
  }

  tables(catalog: string, schema: string): Promise<readonly string[]> {
    return this.#names(`SHOW TABLES FROM ${quotedName(catalog)}.${quotedName(schema)}`);
  }

  columns(catalog: string, schema: string, table: string): Promise<readonly string[]> {
    return this.#names(`SHOW COLUMNS FROM ${quotedName(catalog)}.${quotedName(schema)}.${quotedName(table)}`);
  }

  functions(): Promise<readonly string[]> {
    return this.#names('SHOW FUNCTIONS');
  }

  #names(sql: string): Promise<readonly string[]> {
    const kept = this.#kept.get(sql);
    if (kept && kept.until > performance.now()) return kept.names;
    const names = this.#ask(sql);
    this.#kept.set(sql, { names, until: performance.now() + KEPT_MS });
    return names;
  }

  /** The distinct values of the first column; none where the server refuses, as for a name that does not exist. */
  async #ask(sql: string): Promise<readonly string[]> {
    const names = new Set<string>();
    try {
      for await (const { columns, rows } of this.#client.execute(sql).pages()) {
        if (!columns || !rows) continue;
        for (const [name] of readCells(rows, columns.map(signatureOf))) if (name) names.add(name);
      }
    } catch (problem) {
      if (problem instanceof StatementFailure || problem instanceof ConnectionFailure) return [];
      throw problem;
    }
    return [...names];
  }
}
