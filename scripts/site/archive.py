"""DocC's archives of the modules. The site is made of their JSON."""

import json
import pathlib
import shutil
import subprocess

IDENTIFIER = "servicekit"


def find_docc():
    """The toolchain's docc, which need not be on the PATH; nothing if the toolchain has none."""
    if found := shutil.which("docc"):
        return found
    info = json.loads(subprocess.run(["swift", "-print-target-info"], capture_output=True, check=True).stdout)
    beside = pathlib.Path(info["paths"]["runtimeResourcePath"]).parent.parent / "bin" / "docc"
    return str(beside) if beside.is_file() else None


def convert(docc, root, module, symbols, output, before):
    """Makes the archive of a module; `before` has those of the modules that it may link to. Returns DocC's warnings."""
    command = [docc, "convert"]
    catalog = root / "Sources" / module / "Documentation.docc"
    if catalog.is_dir():
        command.append(str(catalog))
    command += ["--additional-symbol-graph-dir", str(symbols), "--output-dir", str(output)]
    command += ["--fallback-display-name", module, "--fallback-bundle-identifier", f"{IDENTIFIER}.{module}"]
    command += ["--enable-experimental-external-link-support", "--ide-console-output"]
    for archive in before:
        command += ["--dependency", str(archive)]
    result = subprocess.run(command, capture_output=True, text=True)
    lines = (result.stdout + result.stderr).splitlines()
    mistakes = [line for line in lines if ": warning: " in line or ": error: " in line or line.startswith(("warning:", "error:"))]
    if result.returncode != 0 and not mistakes:
        mistakes = lines or [f"docc failed for {module}"]
    return mistakes
