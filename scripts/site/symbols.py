"""The public symbols of the built modules: their symbol graphs, and which of them have no docstring."""

import json
import pathlib
import subprocess

# In the order of their dependencies: a module's documentation links to those before it.
MODULES = [
    "ServiceKitConfig",
    "ServiceKit",
    "ServiceKitConfigProvider",
    "GRPCNghttp2Transport",
    "EtcdClient",
    "ServiceKitEtcd",
    "ServiceKitGRPC",
    "ServiceKitAuth",
    "ServiceKitHTTP",
    "ServiceKitHTTPClient",
    "ServiceKitHummingbird",
    "ServiceKitTesting",
    "ServiceKitCommand",
]
# The trait Hummingbird is on in the package of the examples only.
BUILT_WITH_EXAMPLES = {"ServiceKitHummingbird"}
# Modules without a product of their own, whose symbols a module exports as its own.
EXPORTED = {"GRPCNghttp2Transport": ["ServiceKitHTTP2"]}


class SymbolsFailure(Exception):
    pass


def library_products(manifest):
    """The modules of the library products that a Package.swift has, by `swift package dump-package`."""
    return {target for product in manifest["products"] if "library" in product["type"] for target in product["targets"]}


def extraction_flags(root, scratch):
    """Where the compiler finds a build's Swift modules, and the C modules below them."""
    debug = scratch / "debug"
    flags = ["-I", str(debug / "Modules")]
    for path in sorted((scratch / "checkouts").glob("*/Sources/*/include/module.modulemap")):
        flags += ["-I", str(path.parent)]
    for path in sorted(debug.glob("*.build/module.modulemap")):
        if not path.parent.name.endswith("-tool.build"):
            flags += ["-Xcc", f"-fmodule-map-file={path}"]
    for path in sorted((root / "Sources").glob("C*/module.modulemap")):
        flags += ["-I", str(path.parent)]
    return flags


def extract(root, module, scratch, output):
    """Writes the symbol graphs of a module into a directory, without what only the compiler has written."""
    if not (scratch / "debug/Modules" / f"{module}.swiftmodule").exists():
        raise SymbolsFailure(f"{module} is not built in {scratch}")
    output.mkdir(parents=True)
    command = ["swift", "symbolgraph-extract", "-module-name", module, "-output-dir", str(output)]
    command += ["-target", target(), "-minimum-access-level", "public"]
    command += ["-skip-inherited-docs", "-skip-synthesized-members", "-emit-extension-block-symbols"]
    if module in EXPORTED:
        command.append("-experimental-allowed-reexported-modules=" + ",".join(EXPORTED[module]))
    result = subprocess.run(command + extraction_flags(root, scratch), capture_output=True, text=True)
    if result.returncode != 0:
        raise SymbolsFailure(f"the symbols of {module} cannot be read:\n{result.stderr}")
    for path in sorted(output.glob("*.symbols.json")):
        path.write_text(json.dumps(without_synthesized(json.loads(path.read_text()))))


_target = []


def target():
    if not _target:
        info = json.loads(subprocess.run(["swift", "-print-target-info"], capture_output=True, check=True).stdout)
        _target.append(info["target"]["triple"])
    return _target[0]


def without_synthesized(graph):
    """A graph without the symbols that stand nowhere in the source, such as the `init(from:)` of a Decodable type."""
    kept = [s for s in graph["symbols"] if "location" in s or s["kind"]["identifier"] == "swift.extension"]
    names = {symbol["identifier"]["precise"] for symbol in kept}
    gone = {symbol["identifier"]["precise"] for symbol in graph["symbols"]} - names
    relations = [r for r in graph["relationships"] if r["source"] not in gone and r["target"] not in gone]
    return {**graph, "symbols": kept, "relationships": relations}


def undocumented(graph, root):
    """The symbols without a docstring, as lines `file:line: name`. Generated code counts as its generator's."""
    found = []
    # What fulfils a requirement is described by the requirement.
    described = {r["source"] for r in graph["relationships"] if r["kind"] == "defaultImplementationOf"}
    described |= {r["source"] for r in graph["relationships"] if "sourceOrigin" in r}
    for symbol in graph["symbols"]:
        if symbol["kind"]["identifier"] == "swift.extension" or symbol["identifier"]["precise"] in described:
            continue
        if any(line["text"].strip() for line in symbol.get("docComment", {"lines": []})["lines"]):
            continue
        path = pathlib.Path(symbol["location"]["uri"].removeprefix("file://"))
        if "Generated" in path.parts:
            continue
        # The path as it was built may be another than that of today.
        parts = path.parts
        place = "/".join(parts[parts.index("Sources"):]) if "Sources" in parts else str(path)
        line = symbol["location"]["position"]["line"] + 1
        found.append(f"{place}:{line}: {'.'.join(symbol['pathComponents'])} has no docstring")
    return found
