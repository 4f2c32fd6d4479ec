# SPDX-License-Identifier: Apache-2.0
"""The console at a terminal: keys, escape sequences, and the terminal's mode afterwards."""
import os
import pty
import select
import signal
import subprocess
import termios
import time
import unittest

from command import CommandTest, DEADLINE, VISOR


class Terminal(CommandTest):
    def open(self, *words):
        """The command with a terminal of its own as stdin and controlling terminal; its stdout is a pipe."""
        self.master, self.slave = pty.openpty()
        for fd in (self.master, self.slave):
            self.addCleanup(os.close, fd)
        self.before = termios.tcgetattr(self.slave)
        path = os.ttyname(self.slave)

        def own_terminal():
            os.setsid()
            os.close(os.open(path, os.O_RDWR))  # the first terminal that a session leader opens becomes its own

        # pylint: disable-next=consider-using-with,subprocess-popen-preexec-fn
        process = subprocess.Popen([VISOR, *words], env=self.environment, stdin=self.slave, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=own_terminal)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait, DEADLINE)
        self.addCleanup(process.kill)
        self.process = process
        self.seen = b""

    def read_until(self, text):
        end = time.monotonic() + DEADLINE
        while text not in self.seen:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, self.seen)
            data = os.read(self.process.stdout.fileno(), 4096)
            self.assertTrue(data, self.seen)
            self.seen += data

    def type(self, keys):
        os.write(self.master, keys)

    def end(self):
        _, err = self.process.communicate(timeout=DEADLINE)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)
        return self.process.returncode, err.decode()

    def test_run_sends_keys_and_stops_by_ctrl_c(self):
        self.open("run", "--id", "vm0", self.config)
        self.read_until(b"vm0")
        self.type(b"hello\x1dc\x1d\x1d\r")
        self.read_until(b"hello\x03\x1d\r")
        self.type(b"\x03")
        self.assertEqual(self.end()[0], 130)
        self.assert_nothing_left()

    def test_run_is_left_by_the_escape_sequence(self):
        self.open("run", "--id", "vm0", self.config)
        self.read_until(b"vm0")
        self.type(b"\x1dq")
        self.assertEqual(self.end()[0], 130)
        self.assert_nothing_left()

    def test_console_gives_the_guest_ctrl_c_and_detaches(self):
        self.detach("vm0")
        self.open("-v", "console", "vm0")
        self.read_until(b"vm0")
        self.type(b"\x03\x1a\x1c")
        self.read_until(b"\x03\x1a\x1c")
        self.type(b"\x1d.")
        status, err = self.end()
        self.assertEqual(status, 0)
        self.assertIn("Ctrl-] q leaves", err)
        self.assertEqual(self.state("vm0"), "running")

    def test_console_says_that_a_paused_guest_does_not_read(self):
        self.detach("vm0")
        self.visor("pause", "vm0")
        running = self.start("console", "vm0", stdin=subprocess.PIPE)
        running.process.stdin.write(bytes(5000))  # for 4096 there is room
        running.process.stdin.flush()
        err = running.read_until("\n", "stderr")
        self.assertRegex(err, "^visor: The guest does not read its console: up to [0-9]+ bytes of the input are lost\n")
        running.signal(signal.SIGINT)
        self.assertEqual(running.end()[0], 130)

    def test_read_only_console_leaves_the_terminal_alone(self):
        self.detach("vm0")
        self.open("console", "--read-only", "vm0")
        self.read_until(b"vm0")
        self.assertEqual(termios.tcgetattr(self.slave), self.before)
        self.type(b"\x03")
        self.assertEqual(self.end()[0], 130)


if __name__ == "__main__":
    unittest.main()
