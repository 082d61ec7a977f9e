import { temporaryFolder } from "../testing.ts";
import { openFsStore } from "./fs-store.ts";
import { testObjectStore } from "./object-store.contract.ts";

testObjectStore(
  "filesystem",
  async (t) => {
    const folder = temporaryFolder(t as never);
    return { open: () => openFsStore({ folder }) };
  },
  { bigSegments: 200, histories: 15 },
);
