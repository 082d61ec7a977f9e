/** What was dropped on a page, folders opened (File and Directory Entries API, which all browsers know by its first name). */

/**
 * The files, those within folders too, in the order of their paths. A folder that cannot be read counts as a file that cannot: whoever
 * reads it will say so. To be called while the drop is being handled, as the browser forgets it afterwards.
 */
export function droppedFiles({ items, files }: DataTransfer): Promise<File[]> {
  const folders = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry?.isDirectory);
  if (folders.length === 0) return Promise.resolve([...files]);
  const dropped = [...items].filter(({ kind }) => kind === "file");
  const found = dropped.map((item) => {
    const [entry, file] = [item.webkitGetAsEntry(), item.getAsFile()];
    if (entry !== null && isFolder(entry)) return filesIn(entry).catch(() => (file === null ? [] : [file]));
    return file === null ? [] : [file];
  });
  return Promise.all(found).then((lists) => lists.flat());
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const entries = (await entriesOf(folder)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: File[] = [];
  for (const entry of entries) {
    if (isFolder(entry)) files.push(...(await filesIn(entry)));
    else files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
  }
  return files;
}

/** Browsers give a hundred at a time, and none at the end. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return entries;
    entries.push(...some);
  }
}
