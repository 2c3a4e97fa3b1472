/** The part of parquetjs-lite that reads footers. It ships no types of its own. */
declare module 'parquetjs-lite' {
  /** A big-endian signed integer of 8 bytes. */
  type Int64 = { readonly buffer: Buffer; readonly offset: number };

  type Statistics = {
    readonly min?: Buffer | null;
    readonly max?: Buffer | null;
    readonly min_value?: Buffer | null;
    readonly max_value?: Buffer | null;
    readonly null_count?: Int64 | null;
  };

  type ColumnMetaData = {
    readonly type: number;
    readonly codec: number;
    readonly path_in_schema: readonly string[];
    readonly num_values: Int64;
    readonly total_compressed_size: Int64;
    readonly data_page_offset: Int64;
    readonly dictionary_page_offset?: Int64 | null;
    readonly index_page_offset?: Int64 | null;
    readonly statistics?: Statistics | null;
  };

  type RowGroup = {
    readonly num_rows: Int64;
    readonly columns: readonly { readonly meta_data: ColumnMetaData | null }[];
  };

  type FileMetaData = {
    readonly num_rows: Int64;
    readonly row_groups: readonly RowGroup[];
    readonly schema: readonly {
      readonly name: string;
      readonly type: number | null;
      readonly converted_type: number | null;
      readonly scale?: number | null;
      readonly num_children: number | null;
      readonly logicalType: unknown;
    }[];
  };

  class ParquetEnvelopeReader {
    constructor(read: (offset: number, length: number) => Promise<Buffer>, close: () => void, fileSize: number);
    readHeader(): Promise<void>;
    readFooter(): Promise<FileMetaData>;
  }

  const parquet: { readonly ParquetEnvelopeReader: typeof ParquetEnvelopeReader };
  export default parquet;
}
