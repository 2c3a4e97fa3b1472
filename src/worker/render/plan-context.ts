import type { Column } from '../../connectors/connector.ts';
import type { PlanNode, RemoteSourceNode, TableScanNode } from '../../plan/nodes.ts';
import type { RenderContext } from '../../sql/render/render-expression.ts';

/** What a fragment's nodes are rendered with. */
export type PlanWorld = {
  readonly expressions: RenderContext;
  /** SELECT of a scan's splits with these columns under their own names. */
  readonly scan: (node: TableScanNode, columns: readonly Column[]) => string;
  /** SELECT of the rows that other tasks made for this one, with the node's symbols as columns. */
  readonly remote: (node: RemoteSourceNode) => string;
  /** Number of the task within its stage. */
  readonly task: number;
  readonly seed: number;
};

export type PlanContext = PlanWorld & {
  /** A node's SELECT as a table in FROM. */
  readonly source: (node: PlanNode) => string;
};
