/** Errors as WebHDFS says them: the exception that HDFS throws in this case, with the status that its class has there. */

import { NetworkError, StoreError } from '../network.ts';
import type { StoreErrorName } from '../network.ts';

export type RemoteException = {
  readonly status: number;
  readonly body: {
    readonly RemoteException: {
      readonly exception: string;
      readonly javaClassName: string;
      readonly message: string;
    };
  };
};

const [BAD_REQUEST, FORBIDDEN, NOT_FOUND, INTERNAL] = [400, 403, 404, 500];

/** Clients look for these names, and choose an exception of their own by the class. Nested classes are written as Java writes them. */
const CLASSES: Readonly<Record<StoreErrorName, readonly [javaClassName: string, status: number]>> = {
  AccessControlException: ['org.apache.hadoop.security.AccessControlException', FORBIDDEN],
  AlreadyBeingCreatedException: ['org.apache.hadoop.hdfs.protocol.AlreadyBeingCreatedException', FORBIDDEN],
  BlockMissingException: ['org.apache.hadoop.hdfs.BlockMissingException', FORBIDDEN],
  ChecksumException: ['org.apache.hadoop.fs.ChecksumException', FORBIDDEN],
  DSQuotaExceededException: ['org.apache.hadoop.hdfs.protocol.DSQuotaExceededException', FORBIDDEN],
  DiskOutOfSpaceException: ['org.apache.hadoop.util.DiskChecker$DiskOutOfSpaceException', FORBIDDEN],
  FileAlreadyExistsException: ['org.apache.hadoop.fs.FileAlreadyExistsException', FORBIDDEN],
  FileNotFoundException: ['java.io.FileNotFoundException', NOT_FOUND],
  IOException: ['java.io.IOException', FORBIDDEN],
  IllegalArgumentException: ['java.lang.IllegalArgumentException', BAD_REQUEST],
  // A subclass of IllegalArgumentException.
  InvalidPathException: ['org.apache.hadoop.fs.InvalidPathException', BAD_REQUEST],
  LeaseExpiredException: ['org.apache.hadoop.hdfs.server.namenode.LeaseExpiredException', FORBIDDEN],
  // HDFS has one name for both.
  ManualSafeModeException: ['org.apache.hadoop.hdfs.server.namenode.SafeModeException', FORBIDDEN],
  NSQuotaExceededException: ['org.apache.hadoop.hdfs.protocol.NSQuotaExceededException', FORBIDDEN],
  // HDFS has no name of its own for what only its parts say to each other.
  NotEnoughReplicasException: ['java.io.IOException', FORBIDDEN],
  ParentNotDirectoryException: ['org.apache.hadoop.fs.ParentNotDirectoryException', FORBIDDEN],
  PathComponentTooLongException: [
    'org.apache.hadoop.hdfs.protocol.FSLimitException$PathComponentTooLongException',
    FORBIDDEN,
  ],
  PathIsNotDirectoryException: ['org.apache.hadoop.fs.PathIsNotDirectoryException', FORBIDDEN],
  PathIsNotEmptyDirectoryException: ['org.apache.hadoop.fs.PathIsNotEmptyDirectoryException', FORBIDDEN],
  RecoveryInProgressException: ['org.apache.hadoop.hdfs.protocol.RecoveryInProgressException', FORBIDDEN],
  ReplicaAlreadyExistsException: ['java.io.IOException', FORBIDDEN],
  ReplicaNotFoundException: ['java.io.IOException', FORBIDDEN],
  SafeModeException: ['org.apache.hadoop.hdfs.server.namenode.SafeModeException', FORBIDDEN],
  SnapshotAccessControlException: ['org.apache.hadoop.hdfs.protocol.SnapshotAccessControlException', FORBIDDEN],
  SnapshotException: ['org.apache.hadoop.hdfs.protocol.SnapshotException', FORBIDDEN],
  StaleEpochException: ['java.io.IOException', FORBIDDEN],
  StandbyException: ['org.apache.hadoop.ipc.StandbyException', FORBIDDEN],
  UnregisteredNodeException: ['java.io.IOException', FORBIDDEN],
  UnsupportedOperationException: ['java.lang.UnsupportedOperationException', BAD_REQUEST],
};

export function remoteException(problem: unknown): RemoteException {
  if (problem instanceof StoreError) {
    const [javaClassName, status] = CLASSES[problem.name];
    return exception(javaClassName, status, problem.message);
  }
  if (problem instanceof NetworkError) return exception('java.io.IOException', FORBIDDEN, problem.message);
  return exception('java.lang.RuntimeException', INTERNAL, 'An internal error: see the log of the server');
}

export const isBug = (problem: unknown): boolean =>
  !(problem instanceof StoreError) && !(problem instanceof NetworkError);

/** `exception` is the class without its package, and without the class that it is nested in. */
export const exception = (javaClassName: string, status: number, message: string): RemoteException => ({
  status,
  body: { RemoteException: { exception: /[^.$]+$/.exec(javaClassName)![0], javaClassName, message } },
});
