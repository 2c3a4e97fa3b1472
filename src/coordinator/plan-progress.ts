/** How far a plan has come: which fragments are stages already, what can be read, what may start next. Runs nothing itself. */

import { assert } from '../common/assert.ts';
import type { InputFile } from '../exchange/task-protocol.ts';
import type { DistributedPlan, Fragment } from '../plan/fragment.ts';
import type { FragmentResult } from '../plan/fragment-edits.ts';
import { recover } from './recovery.ts';
import { rowsWanted } from './rows-wanted.ts';
import { filesOf, isReadable, recoveryView, type Stage, type Task } from './stage.ts';

/**
 * Looks at the plan again when stages have ended; fragments that started must come back unchanged. The result's columns
 * stay the same.
 */
export type Adapt = (
  plan: DistributedPlan,
  finished: ReadonlyMap<number, FragmentResult>,
  started: ReadonlySet<number>,
) => DistributedPlan;

export class PlanProgress {
  /** Those that have started, in the order in which they did. */
  readonly #stages = new Map<number, Stage>();
  #plan: DistributedPlan;

  constructor(plan: DistributedPlan) {
    this.#plan = plan;
  }

  get plan(): DistributedPlan {
    return this.#plan;
  }

  /** Root first; stages that have not started have no tasks. */
  stages(): readonly Stage[] {
    return this.#plan.fragments.map((fragment) => this.stage(fragment.id));
  }

  /** Also of a fragment that has not started. */
  stage(id: number): Stage {
    const fragment = this.#plan.fragments.find((candidate) => candidate.id === id);
    assert(fragment, `fragment ${id} is in the plan`);
    return this.#stages.get(id) ?? { fragment, tasks: undefined, rowsWanted: undefined, partitions: 1 };
  }

  readableStages(): readonly Stage[] {
    return [...this.#stages.values()].filter(isReadable);
  }

  tasks(): readonly Task[] {
    return [...this.#stages.values()].flatMap((stage) => stage.tasks ?? []);
  }

  /** A task that waits, in a stage whose inputs are there and of which more is wanted. */
  waitingTask(fits: (task: Task) => boolean): Task | undefined {
    for (const stage of this.#stages.values()) {
      if (!stage.tasks || !this.#areReadable(stage.fragment.inputs) || isReadable(stage)) continue;
      const waiting = stage.tasks.find((task) => task.state === 'pending' && fits(task));
      if (waiting) return waiting;
    }
    return undefined;
  }

  /** Fragments that are no stages yet and may become some. */
  ready(): readonly Fragment[] {
    return this.#plan.fragments.filter(
      ({ id, inputs, startsAfter = [] }) => !this.#stages.has(id) && this.#areReadable([...inputs, ...startsAfter]),
    );
  }

  /** `partitions`: of its output, where that is cut by hash. */
  open(fragment: Fragment, partitions: number): Stage {
    const stage: Stage = {
      fragment,
      tasks: undefined,
      rowsWanted: fragment.output && rowsWanted(this.#plan.fragments, fragment.id),
      partitions: fragment.output?.kind === 'repartition' ? partitions : 1,
    };
    this.#stages.set(fragment.id, stage);
    return stage;
  }

  adapt(adapt: Adapt): void {
    const finished = new Map<number, FragmentResult>();
    for (const stage of this.readableStages()) {
      const files = filesOf(stage);
      finished.set(stage.fragment.id, {
        rows: files.reduce((sum, file) => sum + file.rows, 0),
        bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      });
    }
    const plan = adapt(this.#plan, finished, new Set(this.#stages.keys()));
    for (const id of this.#stages.keys()) {
      assert(
        plan.fragments.some((fragment) => fragment.id === id),
        'a started fragment stays in the plan',
      );
    }
    this.#plan = plan;
  }

  /** The files of the root stage, once it is complete. */
  resultFiles(): readonly InputFile[] | undefined {
    const root = this.stage(this.#rootId);
    return isReadable(root) ? filesOf(root) : undefined;
  }

  /** What runs again since outputs were lost; `resultNeeded` as `recover` means it. */
  tasksToRedo(resultNeeded: boolean): readonly Task[] {
    const again = recover(this.stages().map(recoveryView), this.#rootId, resultNeeded);
    return [...again].flatMap(([id, indexes]) => [...indexes].map((index) => this.stage(id).tasks![index]!));
  }

  get #rootId(): number {
    return this.#plan.fragments[0]!.id;
  }

  #areReadable(fragments: readonly number[]): boolean {
    return fragments.every((id) => {
      const stage = this.#stages.get(id);
      return stage !== undefined && isReadable(stage);
    });
  }
}
