/**
 * Keeps the portal on the device, so that it opens and checks proofs with no network (Service Workers,
 * https://www.w3.org/TR/service-workers/). It never answers for the notary: what is no file of the portal goes to the network.
 */

interface LifecycleEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

const scope = globalThis as unknown as {
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
};
const cacheName = `attestry-${__VERSION__}`;

addEventListener("install", (event) => {
  (event as LifecycleEvent).waitUntil(install());
});
addEventListener("activate", (event) => {
  (event as LifecycleEvent).waitUntil(dropOldCaches().then(() => scope.clients.claim()));
});
addEventListener("fetch", (event) => {
  const { request } = event as FetchEvent;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") (event as FetchEvent).respondWith(openPage(request));
  else if (__ASSETS__.includes(url.pathname)) (event as FetchEvent).respondWith(fromCache(request));
});

async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll(__ASSETS__);
  await scope.skipWaiting();
}

async function dropOldCaches(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== cacheName).map((name) => caches.delete(name)));
}

/** The network first, so that a new version shows at once; every page of the portal is the same document. */
async function openPage(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match("/");
    if (kept !== undefined) return kept;
    throw error;
  }
}

async function fromCache(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request);
}
