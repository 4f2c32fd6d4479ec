# SPDX-License-Identifier: Apache-2.0
"""A VM from its start to its removal, each step by another process."""
import unittest

from command import CommandTest, mock


class Lifecycle(CommandTest):
    def test_whole_life(self):
        self.detach("vm0")
        self.assertEqual(self.state("vm0"), "running")
        self.assertEqual(self.visor("pause", "vm0"), ("", ""))
        self.assertEqual(self.state("vm0"), "paused")
        self.assertEqual(self.json("resume", "vm0"), {"id": "vm0", "state": "running"})
        out, _ = self.visor("stop", "vm0")
        self.assertEqual(out, "VM 'vm0' was shut down by its guest (guest)\n")
        self.assertEqual(self.state("vm0"), "stopped")
        self.assertEqual(self.visor("rm", "vm0")[0], "vm0\n")
        self.assert_nothing_left()

    def test_each_rung_is_told(self):
        for rung, words in (("guest", ()), ("terminate", ("--force",)), ("kill", ("--force",))):
            self.detach("vm0", *mock(stop_rung=rung))
            self.assertEqual(self.json("stop", *words, "vm0")["rung"], rung)
            self.visor("rm", "vm0")

    def test_stopping_twice(self):
        self.detach("vm0")
        self.visor("stop", "vm0")
        self.assertIn("had ended before", self.visor("stop", "vm0")[0])

    def test_start_paused(self):
        self.detach("vm0", "--paused")
        self.assertEqual(self.state("vm0"), "paused")

    def test_wait_tells_how_it_ended(self):
        self.detach("good", *mock(exit_after_ms=1))
        self.assertIn("ended: guest_shutdown", self.visor("wait", "good")[0])
        self.detach("bad", *mock(panic_after_ms=1))
        self.assertEqual(self.visor("wait", "bad", status=7)[0].split(":")[0], "The VM 'bad' failed")
        self.assertEqual(self.json("wait", "bad", status=7)["exit"]["cause"], "guest_panic")
        self.detach("long")
        self.assertEqual(self.error("wait", "--timeout", "50ms", "long", status=5)["code"], "timeout")

    def test_running_vm_is_not_removed_without_force(self):
        self.detach("vm0")
        error = self.error("rm", "vm0", status=6)
        self.assertEqual(error["code"], "invalid_state")
        self.assertIn("is running", error["message"])
        self.assertIn("rm --force vm0", error["hint"])
        self.assertEqual(self.state("vm0"), "running")
        self.assertEqual(self.json("rm", "--force", "vm0"), {"removed": ["vm0"]})
        self.assert_nothing_left()

    def test_second_vm_of_the_same_id(self):
        self.detach("vm0")
        error = self.error("run", "--detach", "--id", "vm0", self.config, status=6)
        self.assertEqual(error["code"], "already_exists")
        self.assertIn("is running", error["message"])
        self.assertIn("visor inspect vm0", error["hint"])
        self.assertEqual(self.state("vm0"), "running")

    def test_ids_are_made_up(self):
        one = self.visor("run", "-d", self.config)[0].strip()
        two = self.json("run", "-d", self.config)["id"]
        self.assertNotEqual(one, two)
        self.assertEqual({vm["id"] for vm in self.json("ps")["vms"]}, {one, two})

    def test_unknown_vm(self):
        for command in ("inspect", "console", "wait", "stop", "pause", "resume", "rm"):
            error = self.error(command, "nobody", status=3)
            self.assertEqual(error["code"], "not_found", command)
            self.assertEqual(error["hint"], "visor ps lists the VMs")

    def test_illegal_step_names_both_states(self):
        self.detach("vm0", "--paused")
        self.visor("stop", "--force", "vm0")
        error = self.error("resume", "vm0", status=6)
        self.assertIn("stopped", error["message"])

    def test_what_the_plugin_does_not_claim(self):
        self.detach("vm0", *mock(without="pause"))
        self.assertEqual(self.error("pause", "vm0", status=4)["code"], "unsupported")

    def test_gc_takes_only_what_is_over(self):
        self.detach("on")
        self.detach("off")
        self.visor("stop", "off")
        (self.run_dir / "half").mkdir()
        self.assertEqual(sorted(self.json("gc")["removed"]), ["half", "off"])
        self.assertEqual([vm["id"] for vm in self.json("ps")["vms"]], ["on"])
        self.assertEqual(self.visor("gc")[0], "")


class FailedStart(CommandTest):
    def test_leaves_nothing(self):
        for words in ((), ("--detach",)):
            error = self.error("run", *words, "--id", "vm0", self.config, *mock(start="fail"), status=1)
            self.assertIn("did not start", error["message"])
            self.assert_nothing_left()

    def test_that_dies_tells_stderr(self):
        error = self.error("run", "-d", "--id", "vm0", self.config, *mock(start="die"), status=1)
        self.assertEqual(error["code"], "disconnected")
        self.assertIn("mock: cannot start", error["message"])
        self.assert_nothing_left()

    def test_that_hangs_ends_at_its_deadline(self):
        for words in ((), ("-d",)):
            error = self.error("run", *words, "--id", "vm0", "--timeout", "50ms", self.config, *mock(start="hang"),
                               status=5)
            self.assertEqual(error["code"], "timeout")
            self.assert_nothing_left()

    def test_guest_that_is_never_ready(self):
        words = ("--set", "ready.console_line=up", *mock(ready_after_ms="never"))
        for more in ((), ("-d",)):
            _, err = self.visor("run", *more, "--timeout", "50ms", self.config, *words, status=5)
            self.assertIn("visor: Timed out", err)
            self.assert_nothing_left()

    def test_keeps_the_folder_on_request(self):
        self.visor("run", "-d", "--keep", "--id", "vm0", self.config, *mock(start="die"), status=1)
        self.assertEqual(self.state("vm0"), "failed")

    def test_bad_configuration_makes_no_folder(self):
        self.error("run", self.config, "--set", "cpu.count=4", "--set", "cpu.max_count=2", status=2)
        self.assert_nothing_left()

    def test_bad_id_and_long_path(self):
        self.error("run", "--id", "a/b", self.config, status=2)
        deep = str(self.folder / ("d" * 90))
        error = self.error("--run-dir", deep, "run", "--id", "vm0", self.config, status=2)
        self.assertIn("the limit is 107", error["message"])
        self.assert_nothing_left()

    def test_unsafe_run_folder(self):
        self.run_dir.mkdir()
        self.run_dir.chmod(0o777)
        for words in (("run", self.config), ("ps",), ("stop", "vm0")):
            self.assertEqual(self.error(*words, status=8)["code"], "permission_denied")

    def test_ephemeral_and_detached_contradict(self):
        error = self.error("run", "--detach", self.config, "--set", "ephemeral=true", status=2)
        self.assertIn("ephemeral", error["message"])


if __name__ == "__main__":
    unittest.main()
