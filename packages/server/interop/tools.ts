/** Gets the strangers' tools, in the versions that go.mod and requirements.txt pin, into a folder of their own. */
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { printed, type RunOptions, run } from "./processes.ts";

/** The command line that a tool's arguments are put after. */
export type CommandOf = (tool: string) => readonly string[];
/** A set of tools, or why it is not to be had here. */
export type Toolset = { readonly commandOf: CommandOf } | { readonly missing: string };

const here = import.meta.dirname;

/** fsck and posix-oneshot of Tessera, and `interop` (go/main.go). Modules come from Go's module proxy, checked against go.sum. */
export async function goTools(folder: string): Promise<Toolset> {
  const options = { cwd: join(here, "go"), env: { GOFLAGS: "-mod=readonly", GOWORK: "off" }, seconds: 600 };
  const steps: Step[] = [
    ["Go", ["go", "version"]],
    ["the Go modules", ["go", "mod", "download"]],
  ];
  const missing = await firstProblem(steps, options);
  if (missing !== undefined) return { missing };
  const bin = join(folder, "go-bin");
  printed(await run(["go", "build", "-o", `${bin}/`, ".", "tool"], options));
  return { commandOf: (tool) => [join(bin, tool)] };
}

/** The scripts of python/, in a virtual environment with what requirements.txt lists. */
export async function pythonTools(folder: string): Promise<Toolset> {
  const venv = join(folder, "venv");
  const python = join(venv, "bin/python");
  const pip = [python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  const steps: Step[] = [
    ["Python 3", ["python3", "--version"]],
    ["a virtual environment", ["python3", "-m", "venv", venv]],
    ["the Python packages", [...pip, "--only-binary=:all:", "--requirement", join(here, "python/requirements.txt")]],
  ];
  const missing = await firstProblem(steps, { seconds: 600 });
  if (missing !== undefined) return { missing };
  return { commandOf: (tool) => [python, "-B", join(here, "python", tool)] };
}

/** The programs of java/, compiled in the folder given. The libraries come from Maven Central, in the versions of pom.xml. */
export async function javaTools(folder: string): Promise<Toolset> {
  const project = join(folder, "java");
  cpSync(join(here, "java"), project, { recursive: true });
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
  const steps: Step[] = [
    ["Java", ["javac", "-version"]],
    ["Maven", ["mvn", "--version"]],
    ["the Java libraries", ["mvn", "--quiet", "--batch-mode", "compile", copy, "-DoutputDirectory=lib"]],
  ];
  const missing = await firstProblem(steps, { cwd: project, seconds: 600 });
  if (missing !== undefined) return { missing };
  return { commandOf: (tool) => ["java", "-cp", `${join(project, "target/classes")}:${join(project, "lib")}/*`, tool] };
}

export async function opensslTool(): Promise<Toolset> {
  const found = await run(["openssl", "version"]).then(printed, () => "none");
  if (!/^OpenSSL [3-9]/.test(found)) return { missing: `OpenSSL 3 is not installed (found: ${found})` };
  return { commandOf: (tool) => ["openssl", tool] };
}

type Step = readonly [what: string, argv: readonly string[]];

async function firstProblem(steps: readonly Step[], options: RunOptions): Promise<string | undefined> {
  for (const [what, argv] of steps) {
    try {
      printed(await run(argv, options));
    } catch (error) {
      const isAbsent = error instanceof Error && "code" in error && error.code === "ENOENT";
      return isAbsent
        ? `${what} is not installed`
        : `${what} could not be had: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}

/** The version that pom.xml pins. */
export function pinnedByMaven(artifact: string): string {
  const pom = readFileSync(join(here, "java/pom.xml"), "utf8");
  const version = new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]+)<`).exec(pom)?.[1];
  if (version === undefined) throw new Error(`${artifact} is pinned nowhere`);
  return version;
}

/** Last part of the name and version of what go.mod or requirements.txt pins. */
export function pinned(name: string): string {
  const pins = ["go/go.mod", "python/requirements.txt"].map((file) => readFileSync(join(here, file), "utf8"));
  const words = pins.flatMap((text) => text.split("\n")).map((line) => line.trim().split(/ |==/));
  const version = words.find(([first, second]) => first === name && second !== undefined)?.[1];
  if (version === undefined) throw new Error(`${name} is pinned nowhere`);
  return `${name.split("/").at(-1)} ${version}`;
}
