/** An object store as simple as can be, which the random histories of drivers are held against. */
export function createModel() {
  const objects = new Map<string, { sealed: number | undefined; segments: Map<number, Uint8Array> }>();
  return {
    write(id: string, index: number, segment: Uint8Array): string | undefined {
      const object = objects.get(id) ?? { sealed: undefined, segments: new Map() };
      if (object.sealed !== undefined) return "CONFLICT_EXISTS";
      objects.set(id, object);
      object.segments.set(index, segment);
      return undefined;
    },
    seal(id: string, count: number): string | undefined {
      const object = objects.get(id);
      if (object?.sealed !== undefined) return object.sealed === count ? undefined : "CONFLICT_EXISTS";
      const indices = [...(object?.segments.keys() ?? [])];
      const isComplete = count > 0 && indices.length === count && indices.every((index) => index < count);
      if (object === undefined || !isComplete) return "CONFLICT_INCOMPLETE";
      object.sealed = count;
      return undefined;
    },
    remove: (id: string): void => void objects.delete(id),
    read: (id: string, index: number): Uint8Array | undefined => objects.get(id)?.segments.get(index),
    stat(id: string): { sealed: number | undefined; written: number } | undefined {
      const object = objects.get(id);
      return object && { sealed: object.sealed, written: object.segments.size };
    },
    list: (): string[] => [...objects.keys()].sort(),
  };
}
