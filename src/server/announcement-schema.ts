/** Checks what a worker announces before the coordinator believes it. */

import { z } from 'zod';

const count = z.number().nonnegative();

export const announcementSchema = z.object({
  nodeId: z.string().min(1).max(200),
  incarnation: z.string().min(1).max(200),
  url: z.url({ protocol: /^http$/ }),
  version: z.string().max(100),
  machineId: z.string().min(1).max(200),
  hostId: z.string().min(1).max(200),
  threads: count,
  slots: z.number().int().min(1),
  memoryBytes: count,
  memoryUsedBytes: count,
  runningTasks: z.array(z.string()),
});
