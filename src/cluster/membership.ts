/**
 * Which workers are there. A worker announces itself every second; one that is silent for three, or whose port refuses
 * connections, is lost with everything it holds. A worker started again (another incarnation) is another worker: the
 * old one is lost at that moment. That is known by its data directory, where one worker at a time has a name; another one
 * of that name waits until the first is lost.
 */

import { type Clock, every } from '../common/clock.ts';

/** What membership needs to know of an announcement; the task protocol's `Announcement` has more. */
export type Announced = {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly url: string;
  /** Of the data directory. */
  readonly machineId: string;
};

/** Two workers that took turns under one name would lose their tasks to each other. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';
}

export type MemberEvents<A extends Announced> = {
  readonly onJoined: (worker: Member<A>) => void;
  /** Its running tasks and its files count as gone. Should it come back, it joins anew with none of them. */
  readonly onLost: (worker: Member<A>, why: string) => void;
};

/** One stay of a worker in the cluster. A worker that was lost and comes back gets a new one. */
export type Member<A extends Announced> = {
  /** Unique for every stay. */
  readonly key: string;
  announcement: A;
  heardMs: number;
  /** For people: when it was heard last, by the wall clock. */
  heardWallMs: number;
};

/** How often workers announce themselves. */
export const HEARTBEAT_MS = 1000;
/** Silence after which a worker counts as lost: three announcements missed. */
const SILENCE_MS = 3000;
/** How often silence is looked for; with the above a lost worker is noticed within 3.5 s. */
const CHECK_MS = 500;

export class Membership<A extends Announced> {
  readonly #clock: Clock;
  readonly #events: MemberEvents<A>;
  readonly #members = new Map<string, Member<A>>();
  readonly #stop: () => void;
  #checkedMs: number;
  #emptySinceMs: number;
  #stays = 0;

  constructor(clock: Clock, events: MemberEvents<A>) {
    this.#clock = clock;
    this.#events = events;
    this.#checkedMs = clock.elapsedMs();
    this.#emptySinceMs = this.#checkedMs;
    this.#stop = every(clock, CHECK_MS, () => this.#check());
  }

  /** In the order in which they joined. */
  members(): readonly Member<A>[] {
    return [...this.#members.values()];
  }

  /** For how long nobody has been there: since the start, or since the last one was lost. */
  emptyMs(): number {
    return this.#members.size > 0 ? 0 : this.#clock.elapsedMs() - this.#emptySinceMs;
  }

  /** Throws NameTakenError. */
  announce(announcement: A): void {
    const { nodeId, incarnation, machineId } = announcement;
    const known = this.#members.get(nodeId);
    if (known && known.announcement.incarnation === incarnation && known.announcement.url === announcement.url) {
      known.announcement = announcement;
      known.heardMs = this.#clock.elapsedMs();
      known.heardWallMs = this.#clock.wallMs();
      return;
    }
    if (known && known.announcement.machineId !== machineId) {
      throw new NameTakenError(`a worker ${nodeId} with another data directory is at ${known.announcement.url}`);
    }
    if (known) this.#lose(known, 'it was started again');
    this.#stays += 1;
    const member = {
      key: `${nodeId}/${incarnation}/${this.#stays}`,
      announcement,
      heardMs: this.#clock.elapsedMs(),
      heardWallMs: this.#clock.wallMs(),
    };
    this.#members.set(nodeId, member);
    this.#events.onJoined(member);
  }

  /** Its port refuses connections, or it said goodbye: no need to wait for silence. */
  gone(key: string, why: string): void {
    const member = this.members().find((candidate) => candidate.key === key);
    if (member) this.#lose(member, why);
  }

  close(): void {
    this.#stop();
  }

  #check(): void {
    const now = this.#clock.elapsedMs();
    // When this process itself stood still, nobody could be heard: the pause is not the workers' silence.
    const paused = Math.max(0, now - this.#checkedMs - 2 * CHECK_MS);
    this.#checkedMs = now;
    for (const member of this.members()) {
      member.heardMs += paused;
      const silent = now - member.heardMs;
      if (silent > SILENCE_MS) this.#lose(member, `nothing was heard of it for ${(silent / 1000).toFixed(1)} s`);
    }
  }

  #lose(member: Member<A>, why: string): void {
    this.#members.delete(member.announcement.nodeId);
    this.#emptySinceMs = this.#clock.elapsedMs();
    this.#events.onLost(member, why);
  }
}
