/** What a package with drivers for the vault builds on. */
export type { AzureDrivers } from "./azure.ts";
export { dataKeyLength } from "./format/stream.ts";
export {
  checkDataKey,
  damagedWrapping,
  encodeContext,
  encodeWrapped,
  type KeyWrapper,
  missingKey,
  parseWrapped,
} from "./keys/key-wrapper.ts";
export {
  checkIndex,
  checkObjectId,
  checkSegment,
  incompleteObject,
  isObjectId,
  type ObjectState,
  type ObjectStore,
  wholeObject,
} from "./object-store.ts";
