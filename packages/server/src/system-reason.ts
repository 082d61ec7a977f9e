/** The operating system's error codes, in words. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EEXIST: "a file of that name is in the way",
  ENOTDIR: "a part of the path is a file",
  ENOENT: "the system takes nothing new there",
};

/** Why the system refused, as the end of a sentence; its code where there is no better word. */
export function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return (code === undefined ? undefined : reasons[code]) ?? code ?? "unknown reason";
}
