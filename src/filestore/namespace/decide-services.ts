/** Which datanodes are to go, for good or for a while. */

import { change, type Decision, unchanged } from './decision.ts';
import { get } from './ordered-map.ts';
import { type Caller, checkSuperuser } from './permissions.ts';
import { refuse } from './refusal.ts';
import type { Namespace, Service } from './state.ts';

export const serviceOf = ({ services }: Namespace, node: string): Service => get(services, node)?.service ?? 'normal';

/** One that is on its way out for good, or may go. */
export const isLeaving = (service: Service | 'entering_maintenance'): boolean =>
  service === 'decommissioning' || service === 'decommissioned';

/** What may be asked for. */
const ASKED: ReadonlySet<Service> = new Set(['normal', 'decommissioning', 'maintenance']);

type SetServiceRequest = {
  readonly caller: Caller;
  readonly node: string;
  readonly address: string;
  readonly service: Service;
};

export function decideSetService(
  state: Namespace,
  { caller, node, address, service }: SetServiceRequest,
): Decision<{ readonly node: string }> {
  const denied = checkSuperuser(caller);
  if (denied) return denied;
  if (!ASKED.has(service)) return refuse('IOException', `A datanode is not put into service ${service} by request`);
  const before = serviceOf(state, node);
  const isSo = before === service || (service === 'decommissioning' && isLeaving(before));
  return isSo ? unchanged({ node }) : change({ kind: 'setService', node, address, service }, { node });
}

/** What the namenode found out: others have enough replicas of all that it has, or have no longer. */
export function decideDeparture(state: Namespace, node: string, mayGo: boolean): Decision<boolean> {
  const known = get(state.services, node);
  const service = mayGo ? 'decommissioned' : 'decommissioning';
  // An administrator has decided otherwise meanwhile.
  if (!known || !isLeaving(known.service) || known.service === service) return unchanged(false);
  return change({ kind: 'setService', node, address: known.address, service }, true);
}
