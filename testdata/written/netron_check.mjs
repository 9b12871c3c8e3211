/* Opens models with Netron's own readers, without a browser, and looks at every tensor that they find.

  node netron_check.mjs NETRON FILE...

NETRON is the folder of Netron's modules (the Python package netron has them). Prints, for each file, the format as Netron names it, how
many nodes and tensors there are, and the tensors that have no type or no shape. Exits with the number of files that fall short.
*/
import * as fs from "fs/promises";
import * as path from "path";
import { pathToFileURL } from "url";

const [folder, ...files] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(folder, name)).href);
const view = await load("view.js");
const node = await load("node.js");

// What Netron's readers ask of the program around them.
const host = {
  environment: () => undefined,
  require: (id) => load(`${id}.js`),
  exception: (error) => { throw error; },
  event: () => {},
  async request(file, encoding, base) {
    const name = path.join(base || folder, file);
    if (encoding) {
      return fs.readFile(name, encoding);
    }
    const { size, mtimeMs } = await fs.stat(name);
    return new node.FileStream(name, 0, size, mtimeMs);
  },
};

class Context {
  constructor(file, stream) {
    this.folder = path.dirname(file);
    this.identifier = path.basename(file);
    this.name = this.identifier;
    this.stream = stream;
    this.entries = new Map();
  }
  request(file, encoding, base) { return host.request(file, encoding, base === undefined ? this.folder : base); }
  require(id) { return host.require(id); }
  error(error) { throw error; }
}

// tensors yields every tensor of a graph: those that go in and out, and those of the nodes.
function* tensors(graph) {
  const of = function* (args) {
    for (const a of args || []) {
      if (Array.isArray(a.value) && (!a.type || a.type.endsWith("*"))) {
        yield* a.value.filter((v) => v && typeof v === "object" && "name" in v);
      }
    }
  };
  yield* of(graph.inputs);
  yield* of(graph.outputs);
  for (const n of graph.nodes) {
    yield* of(n.inputs);
    yield* of(n.outputs);
  }
}

async function check(file) {
  const { size, mtimeMs } = await fs.stat(file);
  const service = new view.ModelFactoryService(host);
  const model = await service.open(new Context(file, new node.FileStream(file, 0, size, mtimeMs)));
  const seen = new Map();
  let nodes = 0;
  for (const graph of model.modules || model.graphs) {
    nodes += graph.nodes.length;
    for (const v of tensors(graph)) {
      const type = v.type || (v.initializer && v.initializer.type);
      const good = type && type.dataType && type.dataType !== "?" && type.shape && Array.isArray(type.shape.dimensions);
      seen.set(v.name, seen.get(v.name) || Boolean(good));
    }
  }
  const bare = [...seen].filter(([, good]) => !good).map(([name]) => name);
  console.log(`${path.basename(file)}: ${model.format}, ${nodes} nodes, ${seen.size} tensors, ${bare.length} without type or shape${bare.length ? `: ${bare.slice(0, 8).join(", ")}` : ""}`);
  return nodes > 0 && seen.size > 0 && bare.length === 0;
}

let bad = 0;
for (const file of files) {
  try {
    bad += (await check(file)) ? 0 : 1;
  } catch (error) {
    console.log(`${path.basename(file)}: ${error.stack}`);
    bad++;
  }
}
process.exit(bad);
