"""Runs the shell sessions of one document, in a fresh directory with ports of its own."""

import os
import pathlib
import random
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

from blocks import ETCD_PORTS, Mistake
from matching import difference, matches, normalized
from terminal import Terminal


class Session:
    """The state that the blocks of a document share: directory, ports, terminals."""

    def __init__(self, document, programs, limit, builds):
        self.commands = 0
        self._limit = limit
        self._terminals = {}
        self._ports = {port: free_port() for port in document.ports}
        self._root = tempfile.TemporaryDirectory(prefix="test-docs-", ignore_cleanup_errors=True)
        root = pathlib.Path(self._root.name)
        self.directory = root / "work"
        for name in ("work", "home", "run", "tmp", "bin"):
            (root / name).mkdir(mode=0o700)
        for name, path in programs.items():
            (root / "bin" / name).symlink_to(path)
        if "swift" in document.needs:
            write_swift(root / "bin" / "swift", builds)
        self.environment = {
            "PATH": f"{root}/bin:{os.environ['PATH']}",
            "HOME": f"{root}/home",
            "XDG_RUNTIME_DIR": f"{root}/run",
            "TMPDIR": f"{root}/tmp",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "ETCDCTL_API": "3",
        } | self._etcd()
        if "swift" in document.needs:
            # Where `kit` keeps the plugins of protoc.
            self.environment["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))

    def _etcd(self):
        """What makes etcd, etcdctl and kit use the session's ports in place of etcd's own."""
        if not all(port in self._ports for port in ETCD_PORTS):
            return {}
        client, peer = (f"http://127.0.0.1:{self._ports[port]}" for port in ETCD_PORTS)
        return {
            "ETCD_LISTEN_CLIENT_URLS": client,
            "ETCD_ADVERTISE_CLIENT_URLS": client,
            "ETCD_LISTEN_PEER_URLS": peer,
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer,
            "ETCD_INITIAL_CLUSTER": f"default={peer}",
            "ETCDCTL_ENDPOINTS": client,
            "KIT_REGISTRY__ETCD__ENDPOINTS": f"[{client}]",
        }

    def save(self, block):
        """Writes the block to the file that its option `save` names."""
        path = self.directory / block.options["save"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._with_free_ports("\n".join(block.lines) + "\n"))

    def wait(self, block):
        """Repeats the command of a directive `await` until it succeeds."""
        limit = time.monotonic() + self._limit_of(block)
        command = ["bash", "-c", self._with_free_ports(block.lines[0])]
        while True:
            done = subprocess.run(
                command, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30
            )
            if done.returncode == 0:
                return
            if time.monotonic() > limit:
                block.fail(f"has not come true within {self._limit_of(block):g} s: {block.lines[0]}")
            time.sleep(0.05)

    def run(self, block):
        """Runs the commands of a block, and compares their output with the lines below them."""
        began = time.monotonic()
        try:
            self._run(block)
        finally:
            took = time.monotonic() - began
            if os.environ.get("TEST_DOCS_TIMES"):
                print(f"{took:6.2f} s  {block.path}:{block.line}")

    def _run(self, block):
        name = block.options.get("terminal", "")
        if name not in self._terminals:
            self._terminals[name] = Terminal(self.directory, self.environment)
        terminal = self._terminals[name]
        compares = block.language == "console"
        steps = console_steps(block) if compares else [(i, c, []) for i, c in plain_commands(block)]
        if "eventually" in block.options and len(steps) != 1:
            block.fail("a block with `eventually` has one command")
        for number, (index, command, expected) in enumerate(steps):
            is_last = number == len(steps) - 1
            if command is not None and command != "^C":
                if not terminal.has_ended(self._limit_of(block)):
                    block.fail(f"`{terminal.running}` still runs in this terminal", index)
                self.commands += 1
            if command is None or (is_last and "runs" in block.options and command != "^C"):
                self._follow(terminal, block, index, command, expected)
            elif command == "^C":
                if terminal.running is None:
                    block.fail("no command runs in this terminal", index)
                terminal.interrupt()
                self._end(terminal, block, index, expected)
            elif "eventually" in block.options:
                self._repeat(terminal, block, index, command, expected)
            else:
                terminal.start(self._with_free_ports(command))
                status, output = self._end(terminal, block, index, expected if compares else None)
                if (status != 0) != (is_last and "fails" in block.options):
                    block.fail(f"`{command}` ended with status {status}:\n{output}", index)

    def close(self):
        """Ends all terminals. Returns what the session has left running."""
        left = [command for terminal in self._terminals.values() for command in terminal.close()]
        self._root.cleanup()
        return left

    def _limit_of(self, block):
        limit = block.options.get("limit", "")
        return float(limit.removesuffix("s")) if limit else self._limit

    def _end(self, terminal, block, index, expected):
        output, status = terminal.wait(self._limit_of(block))
        if status is None:
            block.fail(f"`{terminal.running}` has not ended within {self._limit_of(block):g} s:\n{output}", index)
        if expected is not None:
            self._compare(block, index, expected, output)
        return status, output

    def _follow(self, terminal, block, index, command, expected):
        """Awaits the output so far of a command that goes on."""
        if command is not None:
            terminal.start(self._with_free_ports(command))
        elif terminal.running is None:
            block.fail("this is the output of no command")
        output = terminal.wait_for_output(
            lambda text: matches(expected, normalized(self._with_stated_ports(text))), self._limit_of(block)
        )
        self._compare(block, index, expected, output)

    def _repeat(self, terminal, block, index, command, expected):
        """Repeats a command until its output is as shown."""
        limit = time.monotonic() + self._limit_of(block)
        while True:
            terminal.start(self._with_free_ports(command))
            output, status = terminal.wait(self._limit_of(block))
            if status is None:
                block.fail(f"`{command}` has not ended:\n{output}", index)
            if matches(expected, normalized(self._with_stated_ports(output))):
                return
            if time.monotonic() > limit:
                self._compare(block, index, expected, output)
            time.sleep(0.1)

    def _compare(self, block, index, expected, output):
        actual = normalized(self._with_stated_ports(output))
        if matches(expected, actual):
            return
        text, line = difference(expected, actual)
        block.fail(f"the output differs:\n{text}", max(index + 1 + line if expected else index, 0))

    def _with_free_ports(self, text):
        return replace_numbers(text, self._ports)

    def _with_stated_ports(self, text):
        return replace_numbers(text, {free: stated for stated, free in self._ports.items()})


def write_swift(path, builds):
    """A `swift` that builds a reader's packages in the directory `builds`, where their dependencies are built already. It has
    the home of the tests, for SwiftPM's and git's settings."""
    settings = " ".join(f"{name}={shlex.quote(os.environ[name])}" for name in ("HOME", "TMPDIR") if name in os.environ)
    real = shlex.quote(shutil.which("swift"))
    path.write_text(f"""#!/bin/sh
case $1 in
build | package | run | test)
    command=$1
    shift
    exec env {settings} {real} "$command" --scratch-path {shlex.quote(str(builds))} "$@"
    ;;
esac
exec {real} "$@"
""")
    path.chmod(0o755)


def console_steps(block):
    """The commands of a `console` block with their lines and their output: `$ command`, `> more of it`, output."""
    steps = []
    for index, line in enumerate(block.lines):
        more = steps and steps[-1][1] and not steps[-1][2]
        if line.startswith("$ "):
            steps.append((index, line[2:], []))
        elif line.startswith("> ") and more:
            steps[-1] = (index, steps[-1][1] + "\n" + line[2:], [])
        elif line == "^C":
            steps.append((index, "^C", []))
        else:
            if not steps:
                steps.append((-1, None, []))
            steps[-1][2].append(line)
    for index, command, expected in steps:
        while expected and not expected[-1].strip():
            expected.pop()
        while expected and not expected[0].strip():
            expected.pop(0)
    return steps


def plain_commands(block):
    """The commands of a `sh` block: one a line, with continued lines put together. Comments are left out."""
    commands, parts = [], []
    for index, line in enumerate(block.lines):
        if not parts and (not line.strip() or line.lstrip().startswith("#")):
            continue
        parts.append(line)
        if not line.endswith("\\"):
            commands.append((index, "\n".join(parts)))
            parts = []
    if parts:
        raise Mistake(block.path, block.line + len(block.lines) - 1, "the command has no end")
    return commands


def replace_numbers(text, numbers):
    """Replaces whole numbers."""
    if not numbers:
        return text
    alternatives = "|".join(str(number) for number in numbers)
    return re.sub(rf"(?<!\d)(?:{alternatives})(?!\d)", lambda found: str(numbers[int(found[0])]), text)


# The ports that sessions of this process have got: they are bound later.
given_ports = set()


def free_port():
    """A free port of the loopback address, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(20000, 32000)
        if port in given_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                given_ports.add(port)
                return port
            except OSError:
                continue
