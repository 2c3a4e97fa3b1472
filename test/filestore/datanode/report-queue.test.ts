/** Whatever is lost, late or said twice on the way: in the end the namenode knows what the datanode has. */

import { expect, test } from 'vitest';
import { ReportQueue } from '../../../src/filestore/datanode/report-queue.ts';
import type { BlockReport, Replica } from '../../../src/filestore/protocol.ts';
import { Random } from '../../simulation/random.ts';
import { applyReports } from './nodes.ts';

const nameOf = ({ block, generation }: Replica): string => `${block}_${generation}`;

/** The replicas of a datanode that come and go, and its queue for one namenode. */
class Reporter {
  readonly replicas = new Map<string, { readonly kind: 'sound' | 'corrupt'; readonly replica: Replica }>();
  readonly queue = new ReportQueue(5);

  change(random: Random): void {
    const replica = { block: random.below(40), generation: random.between(1, 2), length: 1 };
    const name = nameOf(replica);
    const kind = random.pick(['received', 'deleted', 'corrupt'] as const);
    if (kind === 'deleted') this.replicas.delete(name);
    else if (kind === 'received') this.replicas.set(name, { kind: 'sound', replica });
    else if (this.replicas.has(name)) this.replicas.set(name, { kind: 'corrupt', replica });
    else return;
    this.queue.add({ kind, replica });
  }

  all(): { readonly sound: readonly Replica[]; readonly corrupt: readonly Replica[] } {
    const of = (kind: string): readonly Replica[] =>
      [...this.replicas.values()].filter((each) => each.kind === kind).map(({ replica }) => replica);
    return { sound: of('sound'), corrupt: of('corrupt') };
  }

  get known(): ReadonlyMap<string, string> {
    return new Map([...this.replicas].map(([name, { kind }]) => [name, kind]));
  }
}

const byName = (known: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [...known].toSorted(([a], [b]) => a.localeCompare(b));

test('reports lost, repeated and reordered', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const reporter = new Reporter();
    for (let i = random.below(60); i > 0; i--) reporter.change(random);
    reporter.queue.begin(reporter.all());
    const arrived: BlockReport[] = [];
    const late: BlockReport[] = [];
    let sequence = 0;
    for (let quiet = 0; quiet < 2;) {
      const report = reporter.queue.next();
      const changing = sequence < 100 && random.chance(0.5);
      if (changing) for (let i = random.below(8); i > 0; i--) reporter.change(random);
      // Asked for all while a report is on its way.
      if (sequence < 100 && random.chance(0.03)) reporter.queue.begin(reporter.all());
      if (!report) {
        quiet += changing ? 0 : 1;
        continue;
      }
      quiet = 0;
      const message: BlockReport = { node: 'n', session: 's', sequence: (sequence += 1), change: report.change };
      const fate =
        sequence < 150 ? random.pick(['heard', 'heard', 'lost', 'answer lost', 'late', 'twice'] as const) : 'heard';
      if (fate === 'late') late.push(message);
      if (fate === 'heard' || fate === 'answer lost' || fate === 'twice') arrived.push(message);
      if (fate === 'twice') late.push(message);
      if (late.length > 0 && random.chance(0.3)) arrived.push(late.shift()!);
      if (fate === 'heard' || fate === 'twice') report.heard();
    }
    expect(byName(applyReports([...arrived, ...late])), `seed ${seed}`).toEqual(byName(reporter.known));
  }
});

test('a full report leaves no id out and says none twice, generations of one block together', () => {
  const queue = new ReportQueue(3);
  const sound = [1, 2, 3, 3, 3, 4, 9, 10].map((block, i) => ({ block, generation: i, length: 1 }));
  queue.begin({ sound, corrupt: [{ block: 3, generation: 100, length: 1 }] });
  const told: unknown[] = [];
  for (let report = queue.next(); report; report = queue.next()) {
    const { change } = report;
    if (change.kind === 'full') {
      told.push([change.from, change.to, change.replicas.map(({ block }) => block), change.corrupt.length]);
    }
    report.heard();
  }
  expect(told).toEqual([
    [0, 4, [1, 2, 3, 3, 3], 1],
    [4, undefined, [4, 9, 10], 0],
  ]);
});

test('a datanode without replicas says so', () => {
  const queue = new ReportQueue();
  queue.begin({ sound: [], corrupt: [] });
  expect(queue.next()?.change).toEqual({ kind: 'full', from: 0, to: undefined, replicas: [], corrupt: [] });
});
