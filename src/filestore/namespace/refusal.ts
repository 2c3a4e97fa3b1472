/** Why a request is not granted: a value that every door turns into its own sort of error. The names are HDFS's exceptions. */

export type RefusalName =
  | 'AccessControlException'
  | 'AlreadyBeingCreatedException'
  | 'DSQuotaExceededException'
  | 'FileAlreadyExistsException'
  | 'FileNotFoundException'
  | 'IllegalArgumentException'
  | 'InvalidPathException'
  | 'IOException'
  | 'LeaseExpiredException'
  | 'NSQuotaExceededException'
  | 'ParentNotDirectoryException'
  | 'PathComponentTooLongException'
  | 'PathIsNotDirectoryException'
  | 'PathIsNotEmptyDirectoryException'
  | 'RecoveryInProgressException'
  | 'SnapshotAccessControlException'
  | 'SnapshotException'
  | 'UnsupportedOperationException';

export type Refusal = { readonly kind: 'refused'; readonly name: RefusalName; readonly message: string };

export const refuse = (name: RefusalName, message: string): Refusal => ({ kind: 'refused', name, message });
