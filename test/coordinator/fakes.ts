/** What tests of the coordinator hand to it: a statement as clients submit them, a worker as it announces itself. */

import type { Submission } from '../../src/coordinator/query.ts';
import type { Announcement } from '../../src/exchange/task-protocol.ts';

export const submissionOf = (more: Partial<Submission> = {}): Submission => ({
  text: 'SELECT 1',
  user: 'test',
  timeZone: 'UTC',
  properties: {},
  prepared: new Map(),
  format: 'json-lines',
  millisecondsOnly: false,
  ...more,
});

export const announcementOf = (nodeId: string, more: Partial<Announcement> = {}): Announcement => ({
  nodeId,
  incarnation: '1',
  url: `http://${nodeId}`,
  version: 'test',
  machineId: 'm',
  hostId: 'h',
  threads: 1,
  slots: 1,
  memoryBytes: 1,
  memoryUsedBytes: 0,
  runningTasks: [],
  ...more,
});
