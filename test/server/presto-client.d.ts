/** What the tests use of this untyped package. */
declare module 'presto-client' {
  type Execution = {
    readonly query: string;
    readonly data: (error: unknown, data: readonly unknown[]) => void;
    readonly success: () => void;
    readonly error: (error: unknown) => void;
  };
  class Client {
    constructor(options: Readonly<Record<string, string | number>>);
    execute(options: Execution): void;
  }
  const presto: { readonly Client: typeof Client };
  export default presto;
}
