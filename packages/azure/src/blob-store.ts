/**
 * The `ObjectStore` in Azure Blob Storage. Each segment is a block blob of its own, `ID/00000007`, and an empty blob `ID/whole`, made
 * only where there is none, makes the object whole: its metadata says how many segments it has. Blocks of one blob, staged and then
 * committed, would be fewer blobs, but what is staged cannot be read back after a restart and is gone after a week.
 * A put of a blob is atomic and durable (Azure Storage REST API, Put Blob).
 */
import {
  checkIndex,
  checkObjectId,
  checkSegment,
  incompleteObject,
  isObjectId,
  type ObjectState,
  type ObjectStore,
  wholeObject,
} from "@attestry/server/vault";
import type * as Blobs from "@azure/storage-blob";
import { type AccountOptions, answerOf, checkAddress, entraCredential, forEach } from "./account.ts";
import { createGuard } from "./guard.ts";
import { loadSdk } from "./sdk.ts";

export interface BlobStoreOptions extends Partial<AccountOptions> {
  /** Instead of `endpoint` and `key`: what the portal of Azure shows, or one with a shared access signature. */
  readonly connectionString?: string | undefined;
  /** Made when it is not there and the account may make it. */
  readonly container: string;
}

const wholeName = "whole";
const segmentName = /^[0-9a-f]{8}$/;
const service = "Azure Blob Storage";

/** @throws USAGE when the library is not installed, UNAVAILABLE_STORAGE */
export async function openBlobStore(options: BlobStoreOptions): Promise<ObjectStore> {
  const guard = createGuard(service, options.patience);
  const container = connect(options);
  await guard((signal) => openContainer(container, signal))();

  const segmentBlob = (id: string, index: number) =>
    container.getBlockBlobClient(`${id}/${index.toString(16).padStart(8, "0")}`);
  const wholeBlob = (id: string) => container.getBlockBlobClient(`${id}/${wholeName}`);

  async function sealedAs(signal: AbortSignal, id: string): Promise<number | undefined> {
    const found = await whereThereIs(wholeBlob(id).getProperties({ abortSignal: signal }));
    return found && segmentsOf(found.metadata);
  }

  async function seal(signal: AbortSignal, id: string, segments: number): Promise<void> {
    checkObjectId(id);
    const sealed = await sealedAs(signal, id);
    if (sealed === segments) return;
    if (sealed !== undefined) throw wholeObject(id);
    const { indices } = await readBlobs(container, id, signal);
    const wanted = indices.filter((index) => index < segments).length;
    if (segments < 1 || indices.length !== segments || wanted !== segments)
      throw incompleteObject(id, segments, wanted);
    const metadata = { segments: String(segments) };
    try {
      await wholeBlob(id).upload("", 0, { metadata, conditions: { ifNoneMatch: "*" }, abortSignal: signal });
    } catch (error) {
      if (![409, 412].includes(answerOf(error).status ?? 0)) throw error;
      if ((await sealedAs(signal, id)) !== segments) throw wholeObject(id); // another was faster, or this came twice
    }
  }

  return {
    writesAtOnce: 8,
    writeSegment: guard(async (signal, id: string, index: number, segment: Uint8Array) => {
      checkSegment(id, index, segment);
      if ((await sealedAs(signal, id)) !== undefined) throw wholeObject(id);
      await segmentBlob(id, index).upload(segment, segment.length, { abortSignal: signal });
    }),
    seal: guard(seal),
    readSegment: guard(async (signal, id: string, index: number) => {
      checkObjectId(id);
      checkIndex(index);
      const blob = segmentBlob(id, index);
      const bytes = await whereThereIs(blob.downloadToBuffer(0, undefined, { abortSignal: signal }));
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    }),
    stat: guard(async (signal, id: string): Promise<ObjectState | undefined> => {
      checkObjectId(id);
      const { sealed, indices } = await readBlobs(container, id, signal);
      return sealed === undefined && indices.length === 0 ? undefined : { sealed, written: indices.length };
    }),
    remove: guard(async (signal, id: string) => {
      checkObjectId(id);
      // Not whole any more, first: what is left by a removal that was cut off is an object that was never finished.
      await wholeBlob(id).deleteIfExists({ abortSignal: signal });
      const blobs = container.listBlobsFlat({ prefix: `${id}/`, abortSignal: signal });
      await forEach(blobs, ({ name }) => container.getBlobClient(name).deleteIfExists({ abortSignal: signal }));
    }),
    list: guard((signal, after: string | undefined, limit: number) => listIds(container, after, limit, signal)),
    check: guard((signal) => checkBlobs(container, signal)),
    close: async () => guard.close(),
  };
}

function connect(options: BlobStoreOptions): Blobs.ContainerClient {
  const { BlobServiceClient, StorageSharedKeyCredential } = loadSdk<typeof Blobs>("@azure/storage-blob");
  const retryOptions = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 5000 };
  const { connectionString, endpoint = "", key, container } = options;
  if (connectionString !== undefined) {
    const service = BlobServiceClient.fromConnectionString(connectionString, { retryOptions });
    checkAddress(service.url);
    return service.getContainerClient(container);
  }
  const { hostname } = checkAddress(endpoint);
  const credential =
    key === undefined ? entraCredential() : new StorageSharedKeyCredential(hostname.split(".")[0] ?? "", key);
  return new BlobServiceClient(endpoint, credential, { retryOptions }).getContainerClient(container);
}

/** An identity that may only use a container may be refused even when it is there, so what counts is that it is. */
async function openContainer(container: Blobs.ContainerClient, abortSignal: AbortSignal): Promise<void> {
  if (!(await container.exists({ abortSignal }))) await container.createIfNotExists({ abortSignal });
}

interface BlobsOfObject {
  readonly sealed: number | undefined;
  readonly indices: readonly number[];
}

async function readBlobs(
  container: Blobs.ContainerClient,
  id: string,
  abortSignal: AbortSignal,
): Promise<BlobsOfObject> {
  const indices: number[] = [];
  let sealed: number | undefined;
  for await (const { name, metadata } of container.listBlobsFlat({
    prefix: `${id}/`,
    includeMetadata: true,
    abortSignal,
  })) {
    const last = name.slice(id.length + 1);
    if (last === wholeName) sealed = segmentsOf(metadata);
    else if (segmentName.test(last)) indices.push(Number.parseInt(last, 16));
  }
  return { sealed, indices };
}

/** A mark without a count of segments is of an object of none, which nothing that is there agrees with. */
function segmentsOf(metadata: Record<string, string> | undefined): number {
  const text = metadata?.["segments"] ?? "";
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
}

/** In the order of the service, which is that of the bytes. */
const alphabet = "234567abcdefghijklmnopqrstuvwxyz";

/**
 * The service lists from the start of a prefix only. So that a page costs its own length and not that of all before it: first what
 * shares two characters with `after`, then what follows that.
 */
function prefixesAfter(after: string | undefined): string[] {
  if (after === undefined) return [""];
  const following = (length: number) =>
    [...alphabet].filter((letter) => letter > (after[length] ?? "")).map((letter) => after.slice(0, length) + letter);
  return [after.slice(0, 2), ...following(1), ...following(0)];
}

async function listIds(
  container: Blobs.ContainerClient,
  after: string | undefined,
  limit: number,
  abortSignal: AbortSignal,
): Promise<string[]> {
  const ids: string[] = [];
  for (const prefix of prefixesAfter(after)) {
    if (ids.length >= limit) break;
    for await (const item of container.listBlobsByHierarchy("/", { prefix, abortSignal })) {
      if (ids.length >= limit) break;
      const id = item.kind === "prefix" ? item.name.slice(0, -1) : "";
      if (isObjectId(id) && (after === undefined || id > after)) ids.push(id);
    }
  }
  return ids;
}

async function checkBlobs(container: Blobs.ContainerClient, abortSignal: AbortSignal): Promise<string[]> {
  const findings: string[] = [];
  let [current, written] = ["", 0];
  // The mark's name comes after those of all segments of its object.
  for await (const { name, metadata } of container.listBlobsFlat({ includeMetadata: true, abortSignal })) {
    const [id = "", last = "", ...more] = name.split("/");
    if (id !== current) [current, written] = [id, 0];
    if (!isObjectId(id) || more.length > 0) findings.push(`${name} is no object's blob`);
    else if (segmentName.test(last)) written += 1;
    else if (last !== wholeName) findings.push(`${name} is no object's blob`);
    else if (segmentsOf(metadata) !== written) {
      findings.push(`${id} is whole with ${segmentsOf(metadata)} segments, and has ${written}`);
    }
  }
  return findings;
}

async function whereThereIs<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (answerOf(error).status === 404) return undefined;
    throw error;
  }
}
