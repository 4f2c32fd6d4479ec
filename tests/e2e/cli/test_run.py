# SPDX-License-Identifier: Apache-2.0
"""visor run in the foreground, and the console."""
import json
import os
import subprocess
import unittest

from command import CommandTest, VISOR, mock


class Foreground(CommandTest):
    def test_shows_the_console_and_leaves_nothing(self):
        out, err = self.visor("run", "--id", "vm0", self.config, *mock(exit_after_ms=200))
        self.assertIn("vm0", out)
        self.assertEqual(err, "")
        self.assert_nothing_left()

    def test_status_tells_a_failure(self):
        for option in ("panic_after_ms", "crash_after_ms", "error_after_ms"):
            out, err = self.visor("run", "--id", "vm0", self.config, *mock(**{option: 100}), status=7)
            self.assertIn("visor: The VM 'vm0' failed: ", err)
            self.assertNotEqual(out, "")
            self.assert_nothing_left()

    def test_reset_of_the_guest_is_no_failure(self):
        self.visor("run", self.config, *mock(reset_after_ms=50))

    def test_keeps_the_folder_on_request(self):
        self.visor("run", "--keep", "--id", "vm0", self.config, *mock(panic_after_ms=50), status=7)
        self.assertEqual(self.state("vm0"), "failed")
        self.visor("rm", "vm0")

    def test_json_events_tell_the_whole_story(self):
        _, err = self.visor("--json", "run", "--id", "vm0", self.config, "--set", "ready.console_line=up",
                            *mock(exit_after_ms=200))
        events = [json.loads(line) for line in err.splitlines()]
        names = [event["event"] for event in events]
        self.assertEqual(names[-1], "exited")
        self.assertEqual(events[-1]["exit"]["cause"], "guest_shutdown")
        stages = [event["stage"] for event in events if event["event"] == "progress"]
        self.assertEqual(stages[:2], ["start", "running"])
        self.assertTrue(any(event.get("text") == "The guest is ready" for event in events))

    def test_verbose_tells_stages(self):
        _, err = self.visor("-v", "run", self.config, *mock(exit_after_ms=50))
        self.assertRegex(err, r"visor: start \(\d+ ms\)\n")

    def test_guest_that_ends_before_it_is_ready(self):
        words = ("--set", "ready.console_line=up", *mock(ready_after_ms="never", panic_after_ms=50))
        self.visor("run", self.config, *words, status=7)
        self.assert_nothing_left()

    def test_without_a_console(self):
        out, _ = self.visor("run", self.config, "--set", "console.type=none", *mock(exit_after_ms=50))
        self.assertEqual(out, "")

    def test_closed_stdout_ends_the_vm(self):
        reader, writer = os.pipe()
        process = subprocess.Popen([VISOR, "run", self.config], env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        os.close(reader)
        _, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 141, err)
        self.assert_nothing_left()


class StopBeside(CommandTest):
    def test_another_process_stops_a_foreground_run(self):
        running = self.start("run", "--id", "vm0", self.config)
        running.read_until("vm0")
        self.assertEqual(self.json("ps")["vms"][0]["owner"]["pid"], running.process.pid)
        error = self.error("pause", "--timeout", "2s", "vm0", status=6)
        self.assertEqual(error["code"], "busy")
        self.assertIn(str(running.process.pid), error["message"])
        self.visor("stop", "vm0")
        status, _, err = running.end()
        self.assertEqual((status, err), (0, ""))
        self.assert_nothing_left()

    def test_removal_beside_a_foreground_run(self):
        running = self.start("run", "--id", "vm0", self.config)
        running.read_until("vm0")
        self.error("rm", "vm0", status=6)
        self.visor("rm", "--force", "vm0")
        running.end()
        self.assert_nothing_left()


class Console(CommandTest):
    def test_shows_history_until_the_end(self):
        self.detach("vm0")
        first = self.start("console", "vm0")
        second = self.start("console", "--read-only", "vm0")
        text = first.read_until("vm0")
        second.read_until(text)
        self.visor("stop", "vm0")
        for console in (first, second):
            status, out, _ = console.end()
            self.assertEqual(status, 0)
            self.assertTrue(out.startswith(text))

    def test_sends_what_is_piped_in(self):
        self.detach("vm0")
        console = self.start("console", "vm0", stdin=subprocess.PIPE)
        console.read_until("vm0")
        console.process.stdin.write(b"hello \x1d guest\n")
        console.process.stdin.flush()
        console.read_until("hello \x1d guest")
        self.visor("stop", "vm0")
        self.assertEqual(console.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
