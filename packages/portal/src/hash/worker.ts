/** Hashes one file after another beside the page, so that the page stays quick. */
import { hashBlob } from "./hash-blob.ts";

export type HashMessage = { readonly bytes: number } | { readonly hash: string } | { readonly failed: true };

/** Milliseconds between two words about progress: more would only keep the page busy. */
const patience = 50;

addEventListener("message", ({ data }: MessageEvent<Blob>) => {
  let told = 0;
  const tell = (message: HashMessage): void => postMessage(message);
  hashBlob(data, (bytes) => {
    const now = performance.now();
    if (now - told < patience) return;
    told = now;
    tell({ bytes });
  }).then(
    (hash) => tell({ hash }),
    () => tell({ failed: true }),
  );
});
