/** `@attestry/core`: formats, proofs, policy and `verify()`. What a court's expert reads, and nothing else. */
export * from "./errors.ts";
export { emptyRoot, hashLength, leafHash, nodeHash } from "./merkle/hash.ts";
export {
  type ConsistencyProof,
  checkConsistency,
  checkInclusion,
  type InclusionProof,
  rootFromInclusion,
} from "./merkle/proof.ts";
export {
  type ExpandedTile,
  encodeEntryBundle,
  entriesPath,
  expandTile,
  fullWidth,
  nodeFromTile,
  parseEntryBundle,
  parseTilePath,
  type TileAddress,
  tilePath,
  tileReader,
  tileWidth,
} from "./merkle/tile.ts";
export {
  createFrontier,
  type Frontier,
  frontierNodes,
  type OnNode,
  proveConsistency,
  proveInclusion,
  type ReadNode,
  treeRoot,
} from "./merkle/tree.ts";
