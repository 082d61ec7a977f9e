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

const cacheName = `attestry-${__VERSION__}`;

addEventListener("install", (event) => {
  (event as LifecycleEvent).waitUntil(install());
});
addEventListener("activate", (event) => {
  (event as LifecycleEvent).waitUntil(dropOldCaches());
});
addEventListener("fetch", (event) => {
  const { request, respondWith } = { request: (event as FetchEvent).request, respondWith: bind(event as FetchEvent) };
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  if (request.mode === "navigate") respondWith(openPage(request));
  else if (__ASSETS__.includes(new URL(request.url).pathname)) respondWith(fromCache(request));
});

function bind(event: FetchEvent): FetchEvent["respondWith"] {
  return (response) => event.respondWith(response);
}

async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll(__ASSETS__);
  await (globalThis as unknown as { skipWaiting(): Promise<void> }).skipWaiting();
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
