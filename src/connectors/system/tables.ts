/** Columns of the runtime and metadata tables, with Trino's names where Trino has the column. */

import { array, BIGINT, BOOLEAN, INTEGER, timestampTz, VARCHAR } from '../../types/type.ts';
import type { SqlType } from '../../types/type.ts';
import type { Column } from '../connector.ts';

const columns = (definition: Readonly<Record<string, SqlType>>): readonly Column[] =>
  Object.entries(definition).map(([name, type]) => ({ name, type }));

const MOMENT = timestampTz(3);

export const SYSTEM_TABLES: Readonly<Record<string, Readonly<Record<string, readonly Column[]>>>> = {
  runtime: {
    nodes: columns({
      node_id: VARCHAR,
      http_uri: VARCHAR,
      node_version: VARCHAR,
      coordinator: BOOLEAN,
      /** active, lost */
      state: VARCHAR,
      threads: INTEGER,
      slots: INTEGER,
      running_tasks: INTEGER,
      memory_bytes: BIGINT,
      memory_used_bytes: BIGINT,
      last_heartbeat: MOMENT,
    }),
    queries: columns({
      query_id: VARCHAR,
      state: VARCHAR,
      user: VARCHAR,
      source: VARCHAR,
      query: VARCHAR,
      queued_time_ms: BIGINT,
      planning_time_ms: BIGINT,
      elapsed_time_ms: BIGINT,
      rows_scanned: BIGINT,
      bytes_scanned: BIGINT,
      bytes_shuffled: BIGINT,
      result_rows: BIGINT,
      peak_memory_bytes: BIGINT,
      task_retries: INTEGER,
      created: MOMENT,
      started: MOMENT,
      end: MOMENT,
      error_type: VARCHAR,
      error_code: VARCHAR,
      error_message: VARCHAR,
    }),
    stages: columns({
      query_id: VARCHAR,
      stage_id: VARCHAR,
      state: VARCHAR,
      partitioning: VARCHAR,
      tasks: INTEGER,
      completed_tasks: INTEGER,
      failed_attempts: INTEGER,
      splits: BIGINT,
      input_rows: BIGINT,
      input_bytes: BIGINT,
      output_rows: BIGINT,
      output_bytes: BIGINT,
      wall_time_ms: BIGINT,
      cpu_time_ms: BIGINT,
    }),
    tasks: columns({
      node_id: VARCHAR,
      task_id: VARCHAR,
      attempt: INTEGER,
      stage_id: VARCHAR,
      query_id: VARCHAR,
      state: VARCHAR,
      splits: BIGINT,
      local_splits: BIGINT,
      input_rows: BIGINT,
      input_bytes: BIGINT,
      output_rows: BIGINT,
      output_bytes: BIGINT,
      wall_time_ms: BIGINT,
      cpu_time_ms: BIGINT,
      memory_bytes: BIGINT,
      spilled_bytes: BIGINT,
      created: MOMENT,
      end: MOMENT,
    }),
  },
  filestore: {
    files: columns({
      path: VARCHAR,
      length: BIGINT,
      blocks: INTEGER,
      replication: INTEGER,
      block_size: BIGINT,
      owner: VARCHAR,
      group: VARCHAR,
      permission: VARCHAR,
      modified: MOMENT,
    }),
    blocks: columns({
      block_id: BIGINT,
      generation: BIGINT,
      length: BIGINT,
      /** NULL where snapshots alone have it. */
      path: VARCHAR,
      block_index: INTEGER,
      /** As many replicas as are wanted. */
      replication: INTEGER,
      live_replicas: INTEGER,
      corrupt_replicas: INTEGER,
      nodes: array(VARCHAR),
    }),
    nodes: columns({
      node_id: VARCHAR,
      http_uri: VARCHAR,
      host: VARCHAR,
      rack: VARCHAR,
      /** live, dead */
      state: VARCHAR,
      /** normal, decommissioning, decommissioned, entering_maintenance, maintenance */
      service: VARCHAR,
      capacity_bytes: BIGINT,
      used_bytes: BIGINT,
      free_bytes: BIGINT,
      blocks: BIGINT,
      failed_folders: INTEGER,
      last_heartbeat: MOMENT,
    }),
  },
  metadata: {
    catalogs: columns({ catalog_name: VARCHAR, connector_id: VARCHAR, connector_name: VARCHAR, state: VARCHAR }),
    table_comments: columns({
      catalog_name: VARCHAR,
      schema_name: VARCHAR,
      table_name: VARCHAR,
      comment: VARCHAR,
    }),
  },
};
