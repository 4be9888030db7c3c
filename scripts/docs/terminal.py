"""A shell that stays open for the blocks of one terminal."""

import os
import shlex
import signal
import subprocess
import threading
import time

# Ends the output of each command, before its status.
MARK = "\x1e"


class Terminal:
    def __init__(self, directory, environment):
        self.running = None  # the command that has not ended
        self._text = ""
        self._changed = threading.Condition()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        # ctrl-C ends the command, and not the shell.
        self._write("trap : INT\n")

    def start(self, command):
        self.running = command
        self._write(f"eval {shlex.quote(command)} </dev/null; printf '{MARK}%d{MARK}' \"$?\"\n")

    def has_ended(self, limit):
        """Whether the running command has ended by itself, or does so within a limit. Drops the rest of its output."""
        if self.running is not None and self._wait(lambda: self._text.count(MARK) >= 2, limit):
            self.wait(limit)
        return self.running is None

    def interrupt(self):
        """ctrl-C: SIGINT for the running command. Commands in the background ignore it."""
        os.killpg(self._shell.pid, signal.SIGINT)

    def wait(self, limit):
        """Waits for the end of the command. Returns its output and its status; `None` if it has not ended in time."""
        if not self._wait(lambda: self._text.count(MARK) >= 2, limit):
            return self._take(), None
        output, status, self._text = self._text.split(MARK, 2)
        self.running = None
        return output, int(status)

    def wait_for_output(self, is_expected, limit):
        """Waits until the running command's output is as expected, and takes it. Returns what there is after the wait."""
        self._wait(lambda: is_expected(self._text) or MARK in self._text, limit)
        return self._take()

    def close(self):
        """Ends the shell and what it has left. Returns the command lines of what it has left."""
        left = [] if self.has_ended(0.5) else [self.running]
        left += [command for _, command in self._processes()]
        self._signal(signal.SIGTERM)
        self._shell.stdin.close()
        limit = time.monotonic() + 5
        while self._processes() and time.monotonic() < limit:
            time.sleep(0.02)
        self._signal(signal.SIGKILL)
        try:
            self._shell.wait(2)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()
        self._reader.join(2)
        self._shell.stdout.close()
        return left

    def _signal(self, number):
        for pid, _ in self._processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def _processes(self):
        """The processes of this terminal, without its shell."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == self._shell.pid:
                continue
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, _, _, session = file.read().rsplit(")", 1)[1].split()[:4]
                with open(f"/proc/{name}/cmdline") as file:
                    command = file.read().replace("\0", " ").strip()
            except OSError:
                continue
            if int(session) == self._shell.pid and state != "Z":
                found.append((int(name), command))
        return found

    def _write(self, text):
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()

    def _read(self):
        while data := os.read(self._shell.stdout.fileno(), 65536):
            with self._changed:
                self._text += data.decode(errors="replace")
                self._changed.notify_all()

    def _wait(self, condition, limit):
        with self._changed:
            return self._changed.wait_for(condition, limit)

    def _take(self):
        with self._changed:
            end = self._text.find(MARK)
            end = len(self._text) if end < 0 else end
            taken, self._text = self._text[:end], self._text[end:]
            return taken
