/** `@attestry/server/keys`: key files alone, for a command that signs and runs no notary: all of the server takes long to load. */
export {
  createFileSigner,
  createKeyFile,
  createThreadSigner,
  importKeyFile,
  type KeyFile,
  listKeyFiles,
  type Passphrase,
  threadKey,
} from "./file-signer.ts";
