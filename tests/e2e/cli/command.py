# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command share: a run folder of their own, running the command, waiting for what it says."""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

VISOR = os.environ["VISOR"]
DEADLINE = 30  # of everything that is waited for; no test passes or fails by how long something took


class Running:
    """A command that runs: its stderr is read as it comes."""

    def __init__(self, process):
        self.process = process
        self.seen = {"stdout": b"", "stderr": b""}

    def read_until(self, text, stream="stdout"):
        """Reads one of its streams until it has said this."""
        pipe = getattr(self.process, stream)
        end = time.monotonic() + DEADLINE
        while text.encode() not in self.seen[stream]:
            ready, _, _ = select.select([pipe], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"never said {text!r} but {self.seen}")
            data = os.read(pipe.fileno(), 65536)
            if not data:
                raise AssertionError(f"ended without saying {text!r} but {self.seen}")
            self.seen[stream] += data
        return self.seen[stream].decode()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Waits for its end: (status, stdout, stderr), all that it has said."""
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, (self.seen["stdout"] + out).decode(), (self.seen["stderr"] + err).decode()


class CommandTest(unittest.TestCase):
    maxDiff = None
    deadline = DEADLINE

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vc-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.run_dir = self.folder / "run"
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "VISOR_RUN_DIR": str(self.run_dir),
                            "VISOR_PLUGIN_PATH": os.environ["VISOR_PLUGINS"]}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.config = self.write("vm.yaml", "hypervisor: mock\nname: test\n")

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def attempt(self, *words, **options):
        """Runs the command to its end, whatever its status is."""
        return subprocess.run([VISOR, *words], env=self.environment, capture_output=True, text=True,
                              timeout=self.deadline, check=False, **options)

    def visor(self, *words, status=0, stdin=subprocess.DEVNULL, **options):
        """Runs the command to its end and checks its status; returns (stdout, stderr)."""
        done = self.attempt(*words, stdin=None if "input" in options else stdin, **options)
        self.assertEqual(done.returncode, status, f"visor {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def json(self, *words, status=0):
        """The same with --json; returns the value on stdout."""
        out, _ = self.visor("--json", *words, status=status)
        self.assertEqual(out.count("\n"), 1, out)
        return json.loads(out)

    def error(self, *words, status):
        """A command that fails, both ways: its message. Nothing may be on stdout."""
        out, err = self.visor("--json", *words, status=status)
        self.assertEqual(out, "")
        error = json.loads(err.splitlines()[-1])["error"]
        out, err = self.visor(*words, status=status)
        self.assertEqual(out, "")
        self.assertIn("visor: " + error["message"].splitlines()[0], err)
        return error

    def start(self, *words, **options):
        """Starts the command and lets it run; it is gone when the test ends."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen([VISOR, *words], env=self.environment, **options)

        def clean_up():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(DEADLINE)
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

        self.addCleanup(clean_up)
        return Running(process)

    def detach(self, vm, *words):
        """A VM that runs in the background; it is gone when the test ends."""
        out, _ = self.visor("run", "--detach", "--id", vm, self.config, *words)
        self.assertEqual(out, vm + "\n")

    def state(self, vm):
        return self.json("inspect", vm)["state"]

    def assert_nothing_left(self):
        left = sorted(path.name for path in self.run_dir.iterdir()) if self.run_dir.exists() else []
        self.assertEqual(left, [])

    def assert_help_mentions(self, text, words):
        for word in words:
            self.assertRegex(text, rf"(?<![\w-]){re.escape(word)}(?![\w-])")


def mock(**options):
    """--set for the mock's behaviour: mock(start="fail")."""
    params = " ".join(f"mock.{key}={value}" for key, value in options.items())
    return ("--set", f"host.hypervisor_params={params}")


INTERRUPT = signal.SIGINT
TERMINATE = signal.SIGTERM
