/** The parts of `presto-client` that its test uses; it comes without types. */
declare module 'presto-client' {
  export type Problem = { readonly message: string; readonly errorName?: string; readonly errorCode?: number };
  export type Column = { readonly name: string; readonly type: string };
  type Options = {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly engine?: 'presto' | 'trino';
    readonly catalog?: string;
    readonly schema?: string;
    readonly checkInterval?: number;
  };
  type Statement = {
    readonly query: string;
    readonly catalog?: string;
    readonly schema?: string;
    readonly session?: string;
    readonly timezone?: string;
    readonly prepares?: readonly string[];
    readonly info?: boolean;
    readonly cancel?: () => boolean;
    readonly state?: (error: null, id: string, stats: { readonly state: string }) => void;
    readonly columns?: (error: null, columns: readonly Column[]) => void;
    readonly data?: (error: null, rows: readonly (readonly unknown[])[]) => void;
    readonly success: (error: null, stats: { readonly state: string }, info?: { readonly state: string }) => void;
    readonly error: (problem: Problem) => void;
  };
  export class Client {
    constructor(options: Options);
    execute(statement: Statement): void;
    query(id: string, callback: (error: Problem | null, info: { readonly state: string }) => void): void;
    kill(id: string, callback: (error: Problem | null) => void): void;
  }
}
