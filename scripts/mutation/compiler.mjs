#!/usr/bin/env node
// Compiles contracts over and over without the optimizer, with one source changed: a line of JSON in, one out.
// In: {"units": [...], "changed": {"contracts/X.sol": "..."}}. Out: {"artifacts": [...]} as build/artifacts has them, or {"error": "..."}.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const compiler = JSON.parse(fs.readFileSync(path.join(ROOT, "contracts/compiler.json"), "utf8"));
const solc = createRequire(import.meta.url)("solc");
process.removeAllListeners("uncaughtException");
const OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"];

function compile({ units, changed }) {
  const read = (unit) =>
    changed[unit] ?? fs.readFileSync(path.join(ROOT, unit.startsWith("contracts/") ? unit : `node_modules/${unit}`), "utf8");
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(units.map((u) => [u, { content: read(u) }])),
    settings: {
      ...compiler.settings,
      optimizer: { enabled: false },
      outputSelection: Object.fromEntries(units.map((u) => [u, { "*": OUTPUTS }])),
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: (unit) => ({ contents: read(unit) }) }));
  const error = (output.errors ?? []).find((e) => e.severity === "error");
  if (error) return { error: error.formattedMessage };
  const artifacts = units.flatMap((source) =>
    Object.entries(output.contracts[source] ?? {}).map(([name, c]) => ({
      name,
      source,
      abi: c.abi,
      bytecode: `0x${c.evm.bytecode.object}`,
      deployedBytecode: `0x${c.evm.deployedBytecode.object}`,
      storageLayout: null,
    })),
  );
  return { artifacts };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = compile(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
