# SPDX-License-Identifier: Apache-2.0
"""The command, the QEMU driver and the keeper together; in QEMU's place is sdk/src/testing/fake_qemu.cpp."""
import os
import pathlib
import signal
import time
import unittest

from command import CommandTest, INTERRUPT


def lives(pid):
    """Whether there is such a process and it has not ended; whoever adopted it may not have reaped it yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Qemu(CommandTest):
    def setUp(self):
        super().setUp()
        for name in ("kernel", "initrd"):
            self.write(name, "not really one")
        self.addCleanup(self.attempt, "rm", "--force", "vm0")  # a test that fails leaves no process either
        self.config = self.write("qemu.yaml", f"""
hypervisor: qemu-amd64
machine: {{accelerator: tcg}}
memory: {{size: 64MiB}}
boot: {{kernel: {self.folder}/kernel, initrd: {self.folder}/initrd}}
host: {{hypervisor_path: {os.environ["VISOR_FAKE_QEMU"]}}}
""")

    @staticmethod
    def words(*words):
        """--set for what the fake does; see there."""
        return ("--set", "host.hypervisor_params=" + " ".join("fake=" + word for word in words))

    def test_whole_life_in_the_background(self):
        self.detach("vm0")
        vm = self.json("inspect", "vm0")
        self.assertEqual((vm["state"], vm["plugin"]), ("running", "qemu-amd64"))
        self.assertEqual([lives(pid) for pid in vm["pids"]], [True, True])
        self.visor("pause", "vm0")
        self.assertEqual(self.state("vm0"), "paused")
        self.visor("resume", "vm0")
        self.assertEqual(self.visor("stop", "vm0")[0], "VM 'vm0' was shut down by its guest (guest)\n")
        self.assertEqual(self.visor("wait", "vm0")[0].split(":")[1].strip().split()[0], "guest_shutdown")
        self.visor("rm", "vm0")
        self.assert_nothing_left()
        self.assertEqual([lives(pid) for pid in vm["pids"]], [False, False])

    def test_foreground_shows_the_console_until_interrupted(self):
        running = self.start("run", "--id", "vm0", self.config, "--set", "boot.kernel_params=nonce=4711")
        self.assertIn("nonce=4711", running.read_until("\n"))
        running.signal(INTERRUPT)
        self.assertEqual(running.end()[0], 130)
        self.assert_nothing_left()

    def test_a_helper_that_outlived_its_vm_ends_when_that_is_removed(self):
        daemon = pathlib.Path(self.write("daemon", "#!/bin/sh\nexec sleep 1000\n"))
        daemon.chmod(0o755)
        share = f'devices=[{{"type":"share","id":"s","path":"{self.folder}","tag":"t","protocol":"virtio-fs"}}]'
        for collect in (("rm", "vm0"), ("gc",)):
            self.detach("vm0", "--set", share, "--set", f"shared_fs.daemon={daemon}")
            hypervisor, keeper, helper = self.json("inspect", "vm0")["pids"]
            os.kill(helper, signal.SIGSTOP)
            os.kill(keeper, signal.SIGKILL)
            os.kill(hypervisor, signal.SIGKILL)
            self.assertEqual(self.json("inspect", "vm0")["pids"], [helper])
            self.visor(*collect)
            self.assertFalse(lives(helper))
            self.assert_nothing_left()

    def test_a_saved_vm_goes_on_elsewhere(self):
        self.addCleanup(self.attempt, "rm", "--force", "vm1")
        self.detach("vm0")
        folder = str(self.folder / "saved")
        self.assertEqual(self.json("save", "vm0", folder), {"id": "vm0", "folder": folder})
        self.assertEqual(self.state("vm0"), "running")
        self.assertEqual(self.error("save", "vm0", folder, status=6)["code"], "already_exists")
        self.assertEqual(self.visor("restore", "--detach", "--id", "vm1", folder)[0], "vm1\n")
        self.assertEqual(self.state("vm1"), "running")
        self.visor("rm", "--force", "vm1")
        self.visor("restore", "--detach", "--paused", "--id", "vm1", folder)
        self.assertEqual(self.state("vm1"), "paused")
        self.visor("save", "--stop", "vm0", str(self.folder / "last"))
        self.assertEqual(self.state("vm0"), "stopped")
        self.assertIn("holds no saved VM", self.error("restore", str(self.folder / "none"), status=3)["message"])
        self.assertEqual(sorted(path.name for path in self.run_dir.iterdir()), ["vm0", "vm1"])

    def test_a_save_that_fails_leaves_no_folder_and_the_vm_running(self):
        self.detach("vm0", *self.words("blocked=no-way"))
        for words in ((), ("--stop",)):
            error = self.error("save", *words, "vm0", str(self.folder / "saved"), status=4)
            self.assertIn("no-way", error["message"])
            self.assertFalse((self.folder / "saved").exists())
            self.assertEqual(self.state("vm0"), "running")

    def test_a_vm_moves(self):
        self.addCleanup(self.attempt, "rm", "--force", "vm1")
        self.detach("vm0")
        address = f"unix:{self.folder}/move"
        receiver = self.start("receive", "--id", "vm1", self.config, address)
        while not (self.folder / "move").exists():
            self.assertIsNone(receiver.process.poll(), receiver.seen)
            time.sleep(0.01)
        self.assertGreaterEqual(self.json("send", "vm0", address)["downtime_ms"], 0)
        status, out, err = receiver.end()
        self.assertEqual((status, out), (0, "vm1\n"), err)
        self.assertEqual((self.state("vm0"), self.state("vm1")), ("stopped", "running"))

    def test_a_vm_that_nobody_receives_runs_on(self):
        self.detach("vm0")
        self.error("send", "vm0", f"unix:{self.folder}/nobody", status=3)
        self.assertIn("no address", self.error("send", "vm0", "exec:cat", status=2)["message"])
        self.assertEqual(self.state("vm0"), "running")
        self.error("receive", "--timeout", "100ms", self.config, f"unix:{self.folder}/s", status=5)
        self.assertEqual([path.name for path in self.run_dir.iterdir()], ["vm0"])

    def test_what_a_start_lacks_is_told_with_its_place(self):
        config = self.write("share.yaml", pathlib.Path(self.config).read_text() + """
devices:
  - {type: rng}
  - {type: share, path: /nonexistent/folder, tag: t}
""")
        error = self.error("run", "--detach", config, status=3)
        self.assertRegex(error["message"], r"^\S*share.yaml:\d+:\d+: devices\[1\]\.path: ")

    def test_a_missing_file_is_told_with_its_field(self):
        config = self.write("disk.yaml", pathlib.Path(self.config).read_text() + """
devices: [{type: rng, id: rng0}, {type: disk, id: disk0, path: /nonexistent/disk}]
""")
        error = self.error("run", "--id", "vm0", config, status=3)
        self.assertEqual(error["code"], "not_found")
        self.assertIn("devices[1].path: Cannot open /nonexistent/disk", error["message"])

    def test_failed_start_quotes_qemu(self):
        for words in ((), ("--detach",)):
            error = self.error("run", *words, "--id", "vm0", self.config,
                               *self.words("start=exit", "exit-code=3", "stderr=out-of-luck"), status=1)
            self.assertEqual(error["code"], "disconnected")
            self.assertIn("exit code 3: out-of-luck", error["message"])
            self.assert_nothing_left()

    def test_silent_qemu_ends_at_the_deadline(self):
        error = self.error("run", "--timeout", "200ms", "--id", "vm0", self.config, *self.words("greeting=silence"),
                           status=5)
        self.assertEqual(error["code"], "timeout")
        self.assert_nothing_left()

    def test_stop_tells_the_rung(self):
        for words, rung in ((("sigterm=ignore",), "kill"), ((), "terminate")):
            self.detach("vm0", *(self.words(*words) if words else ()))
            self.assertEqual(self.json("stop", "--force", "vm0")["rung"], rung)
            self.visor("rm", "vm0")


if __name__ == "__main__":
    unittest.main()
