/**
 * Decides which tasks run again after outputs were lost, so that no answer mixes two attempts of one task.
 *
 * A lost output is made again only when somebody still needs it. Where the new output may differ from the lost one (its
 * stage is not a pure function of its input, or its input itself was made anew and differs), every task that read any of
 * the stage's output is redone as well, and so on towards the root.
 */

export type RecoveryTask = {
  /** `running` on a worker that is there; what ran on a lost one is `pending`. */
  readonly state: 'pending' | 'running' | 'done';
  /** Of a done task: its output can no longer be read. */
  readonly lost: boolean;
  /** An attempt of it ended well, so that others may have read its output, also when it is being made again. */
  readonly wasDone: boolean;
  /** Of a done task: rows of its output. */
  readonly rows: number;
};

export type RecoveryStage = {
  readonly id: number;
  readonly deterministic: boolean;
  /** Ids of the stages that it reads. */
  readonly inputs: readonly number[];
  /** Undefined before the stage started. */
  readonly tasks: readonly RecoveryTask[] | undefined;
  /** Its readers want no more rows than these: a LIMIT without order. */
  readonly rowsWanted?: number;
};

/** Tasks to run again, by stage id, as indexes; a running one among them is restarted. */
export type Recovery = ReadonlyMap<number, ReadonlySet<number>>;

/** `resultNeeded`: the root stage's output has not been copied from the workers yet. `stages` in any order. */
export function recover(stages: readonly RecoveryStage[], root: number, resultNeeded: boolean): Recovery {
  const again = new Map<number, Set<number>>(stages.map((stage) => [stage.id, new Set()]));
  const readersOf = (id: number): readonly RecoveryStage[] => stages.filter((stage) => stage.inputs.includes(id));
  const inputsFirst = sortInputsFirst(stages);

  const needed = (stage: RecoveryStage): boolean =>
    stage.id === root
      ? resultNeeded
      : readersOf(stage.id).some((reader) => !isComplete(reader, (task) => !again.get(reader.id)!.has(task)));

  // Sets only grow, so this ends: at worst every task runs again.
  for (let before = -1, after = 0; before !== after;) {
    before = after;
    for (const stage of inputsFirst.toReversed()) {
      if (needed(stage)) addWhere(stage, again, (task) => task.state === 'done' && task.lost);
    }
    const differing = new Set<number>();
    for (const stage of inputsFirst) {
      const inputDiffers = stage.inputs.some((input) => differing.has(input));
      if (inputDiffers) addWhere(stage, again, (task) => task.state !== 'pending');
      // What never ended has no readers yet: only output that is, or is being, made again can differ from what was read.
      const madeAgain = stage.tasks?.some(
        (task, i) => task.wasDone && (task.state !== 'done' || again.get(stage.id)!.has(i)),
      );
      if (madeAgain && (inputDiffers || !stage.deterministic)) differing.add(stage.id);
    }
    after = [...again.values()].reduce((sum, tasks) => sum + tasks.size, 0);
  }
  return new Map([...again].filter(([, tasks]) => tasks.size > 0));
}

/** Have its readers all they need? True when every task is done, or enough rows are there. */
export function isComplete(
  stage: Pick<RecoveryStage, 'tasks' | 'rowsWanted'>,
  counts: (task: number) => boolean = () => true,
): boolean {
  if (!stage.tasks) return false;
  const done = stage.tasks.filter((task, i) => task.state === 'done' && counts(i));
  if (done.length === stage.tasks.length) return true;
  return stage.rowsWanted !== undefined && done.reduce((sum, task) => sum + task.rows, 0) >= stage.rowsWanted;
}

function addWhere(
  stage: RecoveryStage,
  again: ReadonlyMap<number, Set<number>>,
  wanted: (task: RecoveryTask) => boolean,
): void {
  stage.tasks?.forEach((task, i) => {
    if (wanted(task)) again.get(stage.id)!.add(i);
  });
}

function sortInputsFirst(stages: readonly RecoveryStage[]): readonly RecoveryStage[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const sorted = new Set<RecoveryStage>();
  const visit = (stage: RecoveryStage): void => {
    if (sorted.has(stage)) return;
    stage.inputs.forEach((input) => visit(byId.get(input)!));
    sorted.add(stage);
  };
  stages.forEach(visit);
  return [...sorted];
}
