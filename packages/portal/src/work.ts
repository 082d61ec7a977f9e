/** Work that goes on while another page of the portal is open: how many files a page has still under way, told to the header. */
import { useEffect, useState } from "preact/hooks";

let open = 0;
const listeners = new Set<(count: number) => void>();

/** Says how many files are under way now. */
export function setOpenFiles(count: number): void {
  if (count === open) return;
  open = count;
  for (const listen of listeners) listen(count);
}

/** How many files are under way. */
export function useOpenFiles(): number {
  const [count, setCount] = useState(open);
  useEffect(() => {
    setCount(open);
    listeners.add(setCount);
    return () => void listeners.delete(setCount);
  }, []);
  return count;
}
