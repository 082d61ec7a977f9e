// What vite makes of imports that are no TypeScript, and the constants that the build puts in.
declare module "*.scss";
declare module "*?worker&url" {
  const url: string;
  // biome-ignore lint/style/noDefaultExport: that is how vite gives it
  export default url;
}
declare const __ASSETS__: readonly string[];
declare const __VERSION__: string;
