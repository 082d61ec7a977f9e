/**
 * The `ObjectStore` in Azure Cosmos DB for NoSQL. Each segment is an item with its bytes in base64. One more item, the head, is there
 * before the first segment and after the last; it is what is listed, and a count of segments in it makes the object whole. The
 * partition key is the object's id, so an object is read from one partition. Every step is the write of one item, which is
 * atomic; nothing needs a batch to roll back.
 * Items end at 2 MB and a partition at 20 GB (Azure Cosmos DB service quotas): an object has at most about 14 GB.
 */
import { encodeBase64 } from "@attestry/core";
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
import type * as Pipeline from "@azure/core-rest-pipeline";
import type * as Cosmos from "@azure/cosmos";
import { type AccountOptions, answerOf, checkAddress, entraCredential, forEach } from "./account.ts";
import { createGuard } from "./guard.ts";
import { loadSdk } from "./sdk.ts";

export interface CosmosStoreOptions extends AccountOptions {
  /** Database and container are made when they are not there and the account may make them. */
  readonly database: string;
  readonly container: string;
}

interface SegmentItem {
  readonly id: string;
  readonly object: string;
  readonly index: number;
  readonly bytes: string;
}

interface HeadItem {
  readonly id: typeof headId;
  readonly object: string;
  /** How many segments make the object whole. */
  readonly segments?: number;
}

const headId = "head";
const service = "Azure Cosmos DB";
const segmentId = (index: number): string => index.toString(16).padStart(8, "0");

/** @throws USAGE when the library is not installed, UNAVAILABLE_STORAGE */
export async function openCosmosStore(options: CosmosStoreOptions): Promise<ObjectStore> {
  const guard = createGuard(service, options.patience);
  const client = connect(options);
  const container = await guard((signal) => openContainer(client, options, signal))().catch((error) => {
    client.dispose();
    throw error;
  });

  async function readItem<T extends object>(abortSignal: AbortSignal, object: string, id: string) {
    // What is not there is an answer without an item, and no error.
    return (await container.item(id, object).read<T>({ abortSignal })).resource;
  }

  async function readIndices(abortSignal: AbortSignal, id: string): Promise<number[]> {
    const query = "SELECT VALUE c.index FROM c WHERE c.object = @object AND IS_DEFINED(c.index)";
    const parameters = [{ name: "@object", value: id }];
    return (await container.items.query<number>({ query, parameters }, { partitionKey: id, abortSignal }).fetchAll())
      .resources;
  }

  /** The head becomes this one, unless another changed it since it was read. Gives whether it did. */
  async function replaceHead(abortSignal: AbortSignal, head: HeadItem, etag: string): Promise<boolean> {
    const accessCondition = { type: "IfMatch", condition: etag };
    return isDone([412], container.item(headId, head.object).replace(head, { abortSignal, accessCondition }));
  }

  async function seal(signal: AbortSignal, id: string, segments: number): Promise<void> {
    checkObjectId(id);
    const head = await readItem<HeadItem>(signal, id, headId);
    if (head?.segments === segments) return;
    if (head?.segments !== undefined) throw wholeObject(id);
    const indices = head === undefined ? [] : await readIndices(signal, id);
    const wanted = indices.filter((index) => index < segments).length;
    if (head === undefined || segments < 1 || indices.length !== segments || wanted !== segments) {
      throw incompleteObject(id, segments, wanted);
    }
    const isReplaced = await replaceHead(signal, { id: headId, object: id, segments }, head._etag);
    if (!isReplaced) await seal(signal, id, segments); // another was faster, or this came twice: nothing, or an error
  }

  async function remove(abortSignal: AbortSignal, id: string): Promise<void> {
    checkObjectId(id);
    // Not whole any more, first: what is left by a removal that was cut off is an object that was never finished.
    const head = await readItem<HeadItem>(abortSignal, id, headId);
    if (head?.segments !== undefined && !(await replaceHead(abortSignal, { id: headId, object: id }, head._etag))) {
      return remove(abortSignal, id);
    }
    const removeItem = (item: string) => isDone([404], container.item(item, id).delete({ abortSignal }));
    await forEach(await readIndices(abortSignal, id), (index) => removeItem(segmentId(index)));
    await removeItem(headId);
  }

  return {
    writesAtOnce: 8,
    writeSegment: guard(async (abortSignal, id: string, index: number, segment: Uint8Array) => {
      checkSegment(id, index, segment);
      const head = await readItem<HeadItem>(abortSignal, id, headId);
      if (head?.segments !== undefined) throw wholeObject(id);
      if (head === undefined) await isDone([409], container.items.create({ id: headId, object: id }, { abortSignal }));
      const item: SegmentItem = { id: segmentId(index), object: id, index, bytes: encodeBase64(segment) };
      await container.items.upsert(item, { abortSignal });
    }),
    seal: guard(seal),
    readSegment: guard(async (signal, id: string, index: number) => {
      checkObjectId(id);
      checkIndex(index);
      const item = await readItem<SegmentItem>(signal, id, segmentId(index));
      // Read leniently: what somebody else made of it are bytes that no key opens, and the audit says so.
      return item && Uint8Array.from(Buffer.from(String(item.bytes), "base64"));
    }),
    stat: guard(async (signal, id: string): Promise<ObjectState | undefined> => {
      checkObjectId(id);
      const head = await readItem<HeadItem>(signal, id, headId);
      return head && { sealed: head.segments, written: (await readIndices(signal, id)).length };
    }),
    remove: guard(remove),
    list: guard((abortSignal, after: string | undefined, limit: number) =>
      listIds(container, after, limit, abortSignal),
    ),
    check: guard((abortSignal) => checkItems(container, abortSignal)),
    close: async () => {
      guard.close();
      client.dispose();
    },
  };
}

function connect({ endpoint, key }: CosmosStoreOptions): Cosmos.CosmosClient {
  const { CosmosClient } = loadSdk<typeof Cosmos>("@azure/cosmos");
  // The regions that the account names; an emulator on this machine names addresses that are not its own.
  const discovery = checkAddress(endpoint).protocol === "https:";
  const credential = key === undefined ? { aadCredentials: entraCredential() } : { key };
  const connectionPolicy = { enableEndpointDiscovery: discovery, enableBackgroundEndpointRefreshing: discovery };
  return new CosmosClient({ endpoint, ...credential, connectionPolicy, httpClient: createHttpClient() });
}

/**
 * Sends once more what broke off, as a connection that was kept open may be gone by the time of its use. After that the library is to
 * ask another region, or to give up: by itself it would ask the same place ten times, a second apart.
 */
function createHttpClient(): Pipeline.HttpClient {
  const client = loadSdk<typeof Pipeline>("@azure/core-rest-pipeline", "@azure/cosmos").createDefaultHttpClient();
  const hasBrokenOff = (error: unknown) => ["ECONNRESET", "EPIPE"].includes(answerOf(error).reason);
  return {
    async sendRequest(request) {
      try {
        return await client.sendRequest(request).catch((error) => {
          if (!hasBrokenOff(error)) throw error;
          return client.sendRequest(request);
        });
      } catch (error) {
        throw hasBrokenOff(error) ? Object.assign(error as Error, { code: "REQUEST_SEND_ERROR" }) : error;
      }
    },
  };
}

/** An identity of Entra ID cannot make databases by this interface: what counts is that they are there. */
async function openContainer(
  client: Cosmos.CosmosClient,
  { database: databaseId, container: containerId }: CosmosStoreOptions,
  abortSignal: AbortSignal,
): Promise<Cosmos.Container> {
  const container = client.database(databaseId).container(containerId);
  try {
    await container.read({ abortSignal });
  } catch (error) {
    if (answerOf(error).status !== 404) throw error;
    const { database } = await client.databases.createIfNotExists({ id: databaseId }, { abortSignal });
    // What is queried is indexed, and the bytes are not: that would cost as much as storing them.
    const indexingPolicy = {
      includedPaths: [{ path: "/object/?" }, { path: "/index/?" }, { path: "/segments/?" }],
      excludedPaths: [{ path: "/*" }],
    };
    const definition = { id: containerId, partitionKey: { paths: ["/object"] }, indexingPolicy };
    await database.containers.createIfNotExists(definition, { abortSignal });
  }
  return container;
}

async function listIds(
  container: Cosmos.Container,
  after: string | undefined,
  limit: number,
  abortSignal: AbortSignal,
): Promise<string[]> {
  const query = `SELECT VALUE c.object FROM c WHERE c.id = "${headId}" AND c.object > @after ORDER BY c.object`;
  const parameters = [{ name: "@after", value: after ?? "" }];
  const pages = container.items.query<string>({ query, parameters }, { abortSignal, maxItemCount: limit });
  const ids: string[] = [];
  while (ids.length < limit && pages.hasMoreResults()) {
    ids.push(...((await pages.fetchNext()).resources ?? []).filter(isObjectId));
  }
  return ids.slice(0, limit);
}

async function checkItems(container: Cosmos.Container, abortSignal: AbortSignal): Promise<string[]> {
  const findings: string[] = [];
  const ask = async <T>(query: string, partitionKey?: string): Promise<T[]> => {
    const parameters = [{ name: "@object", value: partitionKey ?? "" }];
    const options = { abortSignal, ...(partitionKey === undefined ? {} : { partitionKey }) };
    return (await container.items.query<T>({ query, parameters }, options).fetchAll()).resources;
  };
  let known = 0;
  await forEach(await ask<HeadItem>(`SELECT * FROM c WHERE c.id = "${headId}"`), async ({ object, segments }) => {
    const count = "SELECT VALUE COUNT(1) FROM c WHERE c.object = @object AND IS_DEFINED(c.index)";
    const [written = 0] = await ask<number>(count, object);
    known += written;
    if (segments !== undefined && written !== segments) {
      findings.push(`${object} is whole with ${segments} segments, and has ${written}`);
    }
  });
  const [all = 0] = await ask<number>(`SELECT VALUE COUNT(1) FROM c WHERE c.id != "${headId}"`);
  if (all > known) findings.push(`${all - known} items are of no object`);
  return findings.sort();
}

/** Whether it was done; false when the service answered with one of these statuses. */
async function isDone(refusals: readonly number[], answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (refusals.includes(answerOf(error).status ?? 0)) return false;
    throw error;
  }
}
