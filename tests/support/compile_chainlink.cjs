// Compiles Chainlink's EACAggregatorProxy from npm with the compiler that it pins, and prints {abi, bytecode} as JSON.
// Argument: the folder that holds node_modules.
"use strict";
const fs = require("fs");
const path = require("path");

const modules = path.join(path.resolve(process.argv[2]), "node_modules");
const solc = require(path.join(modules, "solc-0.6.6"));
process.removeAllListeners("uncaughtException"); // emscripten's, which swallows messages

const UNIT = "@chainlink/contracts/src/v0.6/EACAggregatorProxy.sol";
const read = (unit) => fs.readFileSync(path.join(modules, unit), "utf8");
const input = {
  language: "Solidity",
  sources: { [UNIT]: { content: read(UNIT) } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { [UNIT]: { EACAggregatorProxy: ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: (unit) => ({ contents: read(unit) }) }));
const errors = (output.errors || []).filter((e) => e.severity === "error");
if (errors.length) {
  process.stderr.write(errors.map((e) => e.formattedMessage).join("\n"));
  process.exit(1);
}
const contract = output.contracts[UNIT].EACAggregatorProxy;
fs.writeSync(1, JSON.stringify({ abi: contract.abi, bytecode: "0x" + contract.evm.bytecode.object }));
