/**
 * From the paths on a command line to the files they mean: files, folders with all that is in them, and quoted globs.
 *
 * A symbolic link that is named is followed; one that is met inside a folder is passed over, with a remark, so that no walk
 * runs in a circle or leaves the folder. Proof files are passed over too. Everything else that cannot be used is a problem:
 * it is named, and the walk goes on.
 */
import type { Dirent, Stats } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AttestryError, isProofFileName } from "@attestry/core";
import { fileError } from "../errors.ts";

export interface FoundFile {
  /** As it was named, or below the folder that was named. */
  readonly path: string;
  /** Where it lies below what was named: `a/b.pdf` in a folder; its own name otherwise. */
  readonly relative: string;
}

export interface WalkEvents {
  /** Something that should have been read and could not be. */
  onProblem(path: string, error: AttestryError): void;
  /** Something passed over on purpose. */
  onSkipped(path: string, why: string): void;
}

/** Standard input, where a command takes it. */
export const standardInput = "-";

/** The files, each once, in the order of the arguments and in a folder in the order of names. Never throws. */
export async function* walkFiles(paths: readonly string[], events: WalkEvents): AsyncGenerator<FoundFile> {
  const seen = paths.length > 1 ? new Set<string>() : undefined;
  for (const path of paths) {
    for await (const file of walkArgument(path, events)) {
      const absolute = resolve(file.path);
      if (seen?.has(absolute)) continue;
      seen?.add(absolute);
      yield file;
    }
  }
}

/** Whether a name is that of a proof file, of an earlier one that was kept, or of one that is being written. */
export function isProofName(name: string): boolean {
  return isProofFileName(name) || /^\.attestry-[^/]*\.tmp$/.test(name);
}

async function* walkArgument(path: string, events: WalkEvents): AsyncGenerator<FoundFile> {
  const found = await stat(path).catch((error: unknown) => error as Error);
  if (found instanceof Error) {
    const missing = (found as NodeJS.ErrnoException).code === "ENOENT";
    if (missing && /[*?[{]/.test(path)) yield* walkGlob(path, events);
    else events.onProblem(path, fileError(found, path, "read"));
  } else if (found.isDirectory()) yield* walkFolder(path, "", events);
  else yield* oneFile(path, found, events);
}

async function* walkGlob(pattern: string, events: WalkEvents): AsyncGenerator<FoundFile> {
  const matches = (await Array.fromAsync(glob(pattern))).sort();
  if (matches.length === 0) {
    events.onProblem(
      pattern,
      new AttestryError("USAGE_FILE", `${pattern} matches no file.`, { data: { path: pattern } }),
    );
  }
  for (const path of matches) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) yield* oneFile(path, found, events);
  }
}

function* oneFile(path: string, found: Stats, events: WalkEvents): Generator<FoundFile> {
  if (!found.isFile()) events.onProblem(path, notRegular(path));
  else if (isProofName(basename(path))) events.onSkipped(path, "it is a proof file");
  else yield { path, relative: basename(path) };
}

async function* walkFolder(root: string, below: string, events: WalkEvents): AsyncGenerator<FoundFile> {
  const folder = join(root, below);
  let items: Dirent[];
  try {
    items = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    events.onProblem(folder, fileError(error, folder, "read"));
    return;
  }
  items.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const item of items) {
    const relative = join(below, item.name);
    const path = join(root, relative);
    if (item.isDirectory()) yield* walkFolder(root, relative, events);
    else if (item.isSymbolicLink()) events.onSkipped(path, "it is a symbolic link");
    else if (!item.isFile()) events.onSkipped(path, "it is not a file but a device, pipe or socket");
    else if (item.name.includes("\ufffd")) events.onProblem(path, unreadableName(path));
    else if (!isProofName(item.name)) yield { path, relative };
  }
}

function notRegular(path: string): AttestryError {
  return new AttestryError("USAGE_FILE", `${path} is not a file.`, { data: { path } });
}

// The runtime gives such bytes as U+FFFD, with which the file cannot be opened.
function unreadableName(path: string): AttestryError {
  return new AttestryError("USAGE_FILE", `${path} has a name that is not valid UTF-8. Rename it.`, { data: { path } });
}
