#!/usr/bin/env node
// Compiles contracts/ to build/artifacts/<Name>.json. A file is compiled again only when it, something that it imports,
// the compiler or its settings changed. Warnings in our own code and code above EIP-170's limit are errors; a file that
// fails loses its artifacts, the others are still written, and the exit code is 1.
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const BUILD = path.resolve(process.env.PLUMBLINE_BUILD_DIR || path.join(ROOT, "build"));
const ARTIFACTS = path.join(BUILD, "artifacts");
const MANIFEST = path.join(BUILD, "manifest.json");
const LOCK = path.join(BUILD, ".lock");
const MAX_CODE_SIZE = 24_576; // EIP-170
const OUTPUTS = ["abi", "evm.bytecode.object", "evm.bytecode.linkReferences", "evm.deployedBytecode.object", "storageLayout"];

const compiler = JSON.parse(fs.readFileSync(path.join(ROOT, "contracts/compiler.json"), "utf8"));
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

function ownSources(folder = path.join(ROOT, "contracts")) {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((e) => (e.isDirectory() ? ownSources(path.join(folder, e.name)) : [path.join(folder, e.name)]))
    .filter((f) => f.endsWith(".sol"))
    .map((f) => (path.isAbsolute(f) ? path.relative(ROOT, f) : f))
    .sort();
}

const sourceFile = (unit) => path.join(ROOT, unit.startsWith("contracts/") ? unit : `node_modules/${unit}`);

const contents = new Map();
function read(unit) {
  if (!contents.has(unit)) contents.set(unit, fs.readFileSync(sourceFile(unit), "utf8"));
  return contents.get(unit);
}

function importsOf(unit) {
  const code = read(unit).replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  return [...code.matchAll(/^\s*import\s[^"';]*["']([^"']+)["']/gm)].map(([, target]) =>
    target.startsWith(".") ? path.posix.join(path.posix.dirname(unit), target) : target,
  );
}

function closure(unit, seen = new Set()) {
  if (seen.has(unit) || !fs.existsSync(sourceFile(unit))) return seen; // a missing import is the compiler's to report
  seen.add(unit);
  for (const imported of importsOf(unit)) closure(imported, seen);
  return seen;
}

function closureHash(unit) {
  const parts = [...closure(unit)].sort().map((u) => `${u}:${sha256(read(u))}`);
  return sha256([JSON.stringify(compiler), sha256(fs.readFileSync(fileURLToPath(import.meta.url))), ...parts].join("\n"));
}

function writeAtomically(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, text);
  fs.renameSync(temporary, file);
}

// One build at a time: a lock whose owner died is taken over.
function lock() {
  fs.mkdirSync(BUILD, { recursive: true });
  for (;;) {
    try {
      fs.writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      process.on("exit", () => fs.rmSync(LOCK, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    try {
      const owner = Number(fs.readFileSync(LOCK, "utf8"));
      if (owner) process.kill(owner, 0);
    } catch {
      fs.rmSync(LOCK, { force: true });
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

let solc;
function loadCompiler() {
  if (solc) return solc;
  solc = createRequire(import.meta.url)("solc");
  process.removeAllListeners("uncaughtException"); // emscripten's, which swallows messages
  if (!solc.version().startsWith(`${compiler.version}+`)) {
    throw new Error(`solc ${solc.version()} is installed, ${compiler.version} is pinned: run npm ci`);
  }
  return solc;
}

function compile(units) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(units.map((u) => [u, { content: read(u) }])),
    settings: { ...compiler.settings, outputSelection: Object.fromEntries(units.map((u) => [u, { "*": OUTPUTS }])) },
  };
  const callback = {
    import: (unit) => (fs.existsSync(sourceFile(unit)) ? { contents: read(unit) } : { error: "File not found" }),
  };
  return JSON.parse(loadCompiler().compile(JSON.stringify(input), callback));
}

// An error is reported with the unit that it belongs to; a warning counts when it is in our own code.
function failures(output) {
  const messages = (output.errors ?? []).filter(
    (e) => e.severity === "error" || (e.severity === "warning" && e.sourceLocation?.file?.startsWith("contracts/")),
  );
  const found = messages.map((e) => e.formattedMessage.trim());
  if (messages.some((e) => e.severity === "error")) return found; // contracts are then incomplete
  for (const [unit, contracts] of Object.entries(output.contracts ?? {})) {
    for (const [name, { evm }] of Object.entries(contracts)) {
      const size = evm.deployedBytecode.object.length / 2;
      if (size > MAX_CODE_SIZE) found.push(`${unit}: ${name} has ${size} bytes of code, the limit is ${MAX_CODE_SIZE}`);
      if (Object.keys(evm.bytecode.linkReferences).length) found.push(`${unit}: ${name} needs linking; use internal libraries`);
    }
  }
  return found;
}

function artifactsOf(output, unit) {
  return Object.entries(output.contracts?.[unit] ?? {}).map(([name, c]) => ({
    name,
    source: unit,
    abi: c.abi,
    bytecode: `0x${c.evm.bytecode.object}`,
    deployedBytecode: `0x${c.evm.deployedBytecode.object}`,
    storageLayout: c.storageLayout,
  }));
}

// All at once when that works; file by file when it does not, so that one broken file does not take the rest down.
function compileAll(units, log) {
  const output = compile(units);
  const errors = failures(output);
  if (!errors.length) return { compiled: units.map((u) => [u, artifactsOf(output, u)]), errors };
  if (units.length === 1) return { compiled: [], errors };
  log("a file does not compile: trying one by one");
  const results = units.map((u) => compileAll([u], log));
  return { compiled: results.flatMap((r) => r.compiled), errors: [...new Set(results.flatMap((r) => r.errors))] };
}

function readManifest() {
  try {
    return JSON.parse(fs.readFileSync(MANIFEST, "utf8"));
  } catch {
    return {};
  }
}

function isCurrent(entry, hash) {
  return entry?.hash === hash && entry.artifacts.every((name) => fs.existsSync(path.join(ARTIFACTS, `${name}.json`)));
}

function dropArtifacts(entry) {
  for (const name of entry?.artifacts ?? []) fs.rmSync(path.join(ARTIFACTS, `${name}.json`), { force: true });
}

function main() {
  const log = (text) => process.stderr.write(`compile: ${text}\n`);
  lock();
  fs.mkdirSync(ARTIFACTS, { recursive: true });
  const units = ownSources();
  const hashes = Object.fromEntries(units.map((u) => [u, closureHash(u)]));
  const before = readManifest();
  const stale = units.filter((u) => !isCurrent(before[u], hashes[u]));
  for (const unit of [...Object.keys(before).filter((u) => !hashes[u]), ...stale]) dropArtifacts(before[unit]);
  const manifest = Object.fromEntries(units.filter((u) => !stale.includes(u)).map((u) => [u, before[u]]));
  if (!stale.length) {
    writeAtomically(MANIFEST, JSON.stringify(manifest, null, 1));
    return log(`${units.length} files up to date`);
  }

  const { compiled, errors } = compileAll(stale, log);
  const owner = new Map(Object.entries(manifest).flatMap(([u, entry]) => entry.artifacts.map((name) => [name, u])));
  for (const [unit, artifacts] of compiled) {
    const clash = artifacts.find((a) => owner.has(a.name));
    if (clash) {
      errors.push(`${unit}: ${clash.name} is also in ${owner.get(clash.name)}`);
      continue;
    }
    for (const artifact of artifacts) {
      owner.set(artifact.name, unit);
      writeAtomically(path.join(ARTIFACTS, `${artifact.name}.json`), JSON.stringify(artifact));
    }
    manifest[unit] = { hash: hashes[unit], artifacts: artifacts.map((a) => a.name) };
  }
  writeAtomically(MANIFEST, JSON.stringify(manifest, null, 1));
  log(`compiled ${compiled.length} of ${units.length} files`);
  for (const error of errors) process.stderr.write(`${error}\n`);
  if (errors.length) process.exitCode = 1;
}

main();
