/** Workers come, fall silent, come back, and are started again. */
import { afterEach, expect, test } from 'vitest';
import { type Announced, HEARTBEAT_MS, Membership, NameTakenError } from '../../src/cluster/membership.ts';
import { SimulatedClock } from './simulated-clock.ts';

const worker = (nodeId: string, incarnation = 'first', machineId = 'm'): Announced => ({
  nodeId,
  incarnation,
  machineId,
  url: `http://${nodeId}`,
});
let opened: Membership<Announced> | undefined;

function cluster(): { clock: SimulatedClock; membership: Membership<Announced>; log: string[] } {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const membership = new Membership<Announced>(clock, {
    onJoined: ({ announcement }) => log.push(`${announcement.nodeId}/${announcement.incarnation} joined`),
    onLost: ({ announcement }, why) => log.push(`${announcement.nodeId}/${announcement.incarnation} lost: ${why}`),
  });
  opened = membership;
  return { clock, membership, log };
}
afterEach(() => opened?.close());

test('a silent worker is lost within five seconds, a heard one stays', () => {
  const { clock, membership, log } = cluster();
  membership.announce(worker('a'));
  membership.announce(worker('b'));
  for (let ms = 0; ms < 5000; ms += HEARTBEAT_MS) {
    membership.announce(worker('a'));
    clock.advance(HEARTBEAT_MS);
  }
  expect(log).toEqual(['a/first joined', 'b/first joined', 'b/first lost: nothing was heard of it for 3.5 s']);
  expect(membership.members().map((member) => member.announcement.nodeId)).toEqual(['a']);
});

test('a worker started again is another one; one that was silent comes back as a new stay', () => {
  const { clock, membership, log } = cluster();
  membership.announce(worker('a'));
  membership.announce(worker('a', 'second'));
  const before = membership.members()[0]?.key;
  clock.advance(4000);
  membership.announce(worker('a', 'second'));
  expect(membership.members()[0]?.key).not.toBe(before);
  expect(log).toEqual([
    'a/first joined',
    'a/first lost: it was started again',
    'a/second joined',
    'a/second lost: nothing was heard of it for 3.5 s',
    'a/second joined',
  ]);
});

test('a second worker of one name waits until the first is lost', () => {
  const { clock, membership, log } = cluster();
  const second = worker('a', 'second', 'another');
  membership.announce(worker('a'));
  expect(() => membership.announce(second)).toThrow('a worker a with another data directory is at http://a');
  clock.advance(2000);
  membership.announce(worker('a'));
  expect(() => membership.announce(second)).toThrow(NameTakenError);
  clock.advance(4000);
  membership.announce(second);
  expect(() => membership.announce(worker('a'))).toThrow(NameTakenError);
  expect(log).toEqual(['a/first joined', 'a/first lost: nothing was heard of it for 3.5 s', 'a/second joined']);
});

test('a pause of the coordinator itself loses nobody', () => {
  const { clock, membership, log } = cluster();
  membership.announce(worker('a'));
  clock.advance(1000);
  clock.freeze(60_000);
  clock.advance(1000);
  membership.announce(worker('a'));
  clock.advance(1000);
  expect(log).toEqual(['a/first joined']);
  clock.advance(4000);
  expect(log).toHaveLength(2);
});

test('who refuses connections is gone at once', () => {
  const { membership, log } = cluster();
  membership.announce(worker('a'));
  membership.gone(membership.members()[0]!.key, 'its port refuses connections');
  membership.gone('nobody', 'never there');
  expect(log).toEqual(['a/first joined', 'a/first lost: its port refuses connections']);
});
