# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and its like, before the VM runs, while it runs and while it ends."""
import signal
import unittest

from command import CommandTest, mock


class Signals(CommandTest):
    def test_first_signal_walks_the_ladder(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            running = self.start("--json", "run", "--id", "vm0", self.config)
            running.read_until("vm0")
            running.signal(number)
            status, _, err = running.end()
            self.assertEqual(status, 128 + number, err)
            self.assertIn('"cause":"guest_shutdown"', err)
            self.assert_nothing_left()

    def test_second_signal_kills(self):
        running = self.start("-v", "run", "--id", "vm0", self.config, *mock(stop_rung="kill"))
        running.read_until("vm0")
        running.signal(signal.SIGINT)
        running.read_until("once more kills", "stderr")
        running.signal(signal.SIGINT)
        status, _, err = running.end()
        self.assertEqual(status, 130, err)
        self.assert_nothing_left()

    def test_signal_while_starting(self):
        for words in ((), ("--detach",)):
            running = self.start("-v", "run", *words, self.config, *mock(start="hang"))
            running.read_until("start", "stderr")
            running.signal(signal.SIGINT)
            status, out, _ = running.end()
            self.assertEqual((status, out), (130, ""))
            self.assert_nothing_left()

    def test_signal_while_waiting_for_readiness(self):
        words = ("--set", "ready.console_line=up", *mock(ready_after_ms="never"))
        running = self.start("run", "--id", "vm0", self.config, *words)
        running.read_until("vm0")
        running.signal(signal.SIGTERM)
        self.assertEqual(running.end()[0], 143)
        self.assert_nothing_left()

    def test_waiting_commands_end_without_touching_the_vm(self):
        self.detach("vm0")
        console = self.start("console", "vm0")
        console.read_until("vm0")
        console.signal(signal.SIGINT)
        self.assertEqual(console.end()[0], 130)
        waiting = self.start("wait", "vm0")
        waiting.signal(signal.SIGTERM)
        self.assertIn(waiting.end()[0], (143, -signal.SIGTERM))  # it may not have come so far as to block it
        self.assertEqual(self.state("vm0"), "running")

    def test_ignored_signals_stay_ignored(self):
        running = self.start("run", "--id", "vm0", self.config,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        running.read_until("vm0")
        running.signal(signal.SIGHUP)
        self.assertEqual(self.state("vm0"), "running")
        self.visor("stop", "vm0")
        self.assertEqual(running.end()[0], 0)

    def test_killed_command_leaves_no_running_vm(self):
        running = self.start("run", "--id", "vm0", self.config)
        running.read_until("vm0")
        running.signal(signal.SIGKILL)
        running.end()
        self.assertIn(self.state("vm0"), ("stopped", "failed"))
        self.assertEqual(self.visor("gc")[0], "vm0\n")


if __name__ == "__main__":
    unittest.main()
