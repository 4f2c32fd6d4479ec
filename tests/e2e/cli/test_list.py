# SPDX-License-Identifier: Apache-2.0
"""ps and inspect, beside things that are broken."""
import json
import unittest

from command import CommandTest, mock


class List(CommandTest):
    def test_empty(self):
        self.assertEqual(self.visor("ps"), ("ID  STATE  PLUGIN  PID  NAME\n", ""))
        self.assertEqual(self.json("ps"), {"vms": []})
        self.assertFalse(self.run_dir.exists())

    def test_one_broken_record_does_not_hide_the_others(self):
        self.detach("good")
        self.detach("newer")
        (self.run_dir / "broken").mkdir()
        (self.run_dir / "broken" / "record.json").write_text('{"id": "bro')
        record = self.run_dir / "newer" / "record.json"
        value = json.loads(record.read_text())
        value["version"] = 1000
        record.write_text(json.dumps(value))
        vms = {vm["id"]: vm for vm in self.json("ps", status=9)["vms"]}
        self.assertEqual(list(vms), ["broken", "good", "newer"])
        self.assertEqual(vms["good"]["state"], "running")
        self.assertIn("record.json", vms["broken"]["error"]["message"])
        self.assertEqual(vms["newer"]["error"]["code"], "unsupported")
        out, err = self.visor("ps", status=9)
        self.assertRegex(out, r"(?m)^good +running +mock")
        self.assertRegex(out, r"(?m)^broken +\? ")
        self.assertIn("visor: broken: ", err)
        self.error("inspect", "broken", status=2)
        self.error("rm", "broken", status=2)
        self.visor("rm", "--force", "broken")
        self.assertFalse((self.run_dir / "broken").exists())

    def test_vm_of_a_plugin_that_is_gone(self):
        self.detach("vm0")
        record = self.run_dir / "vm0" / "record.json"
        record.write_text(record.read_text().replace('"plugin": "mock"', '"plugin": "gone"'))
        vm = self.json("ps", status=9)["vms"][0]
        self.assertEqual((vm["plugin"], vm["error"]["code"]), ("gone", "not_found"))
        value = self.json("inspect", "vm0", status=9)
        self.assertEqual(value["config"]["name"], "test")


class Inspect(CommandTest):
    def test_running(self):
        self.detach("vm0")
        value = self.json("inspect", "vm0")
        for key in ("id", "name", "state", "plugin", "pids", "run_dir", "logs", "customised", "capabilities", "config",
                    "machine", "owner", "keeper", "hypervisor", "plugin_data", "responsive"):
            self.assertIn(key, value)
        self.assertEqual((value["customised"], value["run_dir"]), (False, str(self.run_dir / "vm0")))
        self.assertNotIn("exit", value)
        self.assertRegex(self.visor("inspect", "vm0")[0], r"(?m)^state: +running$")

    def test_ended(self):
        self.detach("vm0", *mock(crash_after_ms=1))
        self.visor("wait", "vm0", status=7)
        value = self.json("inspect", "vm0")
        self.assertEqual((value["state"], value["exit"]["cause"]), ("failed", "signal"))
        self.assertTrue(value["customised"])

    def test_unresponsive(self):
        self.detach("vm0", *mock(silent_after_ms=1))
        while self.json("inspect", "vm0")["responsive"]:
            pass  # ctest ends the test if it never becomes so
        self.assertIn("running (unresponsive)", self.visor("ps")[0])
        self.visor("rm", "--force", "vm0")

    def test_name_with_control_characters_is_shown_escaped(self):
        self.detach("vm0")
        record = self.run_dir / "vm0" / "record.json"
        record.write_text(record.read_text().replace('"name": "test"', '"name": "t\\u009bx"'))
        # Whether the record is refused for it or not: the terminal must not see it.
        done = self.attempt("ps")
        self.assertIn("vm0", done.stdout)
        self.assertNotIn("\x9b", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
