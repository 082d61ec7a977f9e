/** Asking again and again: what a listening connection would tell at once, without one that can break unnoticed. */

/**
 * Runs `ask` so many milliseconds after it last ended, until the function that is returned is called. When it fails, the next
 * time is another try. Does not keep the process running.
 */
export function poll(interval: number, ask: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const wait = (): void => {
    if (!isStopped) timer = setTimeout(run, interval).unref();
  };
  const run = (): void => void ask().then(wait, wait);
  wait();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
