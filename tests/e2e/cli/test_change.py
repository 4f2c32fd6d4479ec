# SPDX-License-Identifier: Apache-2.0
"""What a running VM can be asked for: devices, more or less memory and vCPUs; and what a host has for it."""
import unittest

from command import CommandTest, mock


class Devices(CommandTest):
    def devices(self, vm):
        return [device["id"] for device in self.json("inspect", vm)["config"].get("devices", [])]

    def test_come_and_go(self):
        self.detach("vm0")
        disk = self.folder / "disk.img"
        disk.write_bytes(b"x" * 512)
        out, _ = self.visor("plug", "vm0", "disk", "path=disk.img", "id=data", "serial=a,b", cwd=self.folder)
        self.assertRegex(out, r"^data  pci \S+\n$")
        config = self.json("inspect", "vm0")["config"]["devices"][0]
        self.assertEqual((config["path"], config["serial"]), (str(disk), "a,b"))
        value = self.json("plug", "vm0", "serial_port", "name=log")
        self.assertEqual((value["id"], value["address_kind"]), ("vm0", "port"))
        self.assertEqual(self.devices("vm0"), ["data", value["device"]])
        self.assertEqual(self.visor("unplug", "vm0", "data")[0], "Device 'data' is gone\n")
        self.assertEqual(self.json("unplug", "vm0", value["device"])["outcome"], "gone")
        self.assertEqual(self.devices("vm0"), [])
        self.assertIn("no device 'data'", self.error("unplug", "vm0", "data", status=3)["message"])

    def test_what_is_wrong_is_told_by_key(self):
        self.detach("vm0")
        self.assertIn("did you mean 'disk'?", self.error("plug", "vm0", "dsk", status=2)["message"])
        self.assertIn("'path': expected KEY=VALUE", self.error("plug", "vm0", "disk", "path", status=2)["message"])
        self.assertIn("path", self.error("plug", "vm0", "disk", status=2)["message"])
        self.assertIn("pahth", self.error("plug", "vm0", "disk", "pahth=/x", status=2)["message"])
        self.error("plug", "vm0", status=2)
        self.error("plug", "nobody", "rng", status=3)
        self.assertEqual(self.error("plug", "vm0", "rng", status=4)["code"], "unsupported")
        self.assertEqual(self.devices("vm0"), [])

    def test_outcomes_have_a_status(self):
        for outcome, status in (("refused", 6), ("pending", 5)):
            self.detach(outcome, *mock(unplug={"refused": "refuse"}.get(outcome, outcome)))
            device = self.json("plug", outcome, "nic")["device"]
            value = self.json("unplug", "--timeout", "200ms", outcome, device, status=status)
            self.assertEqual(value["outcome"], outcome)
            self.assertEqual(self.devices(outcome), [device])


class Resize(CommandTest):
    def test_memory_and_vcpus(self):
        self.detach("vm0", "--set", "memory.max_size=4GiB", "--set", "memory.size=1GiB", "--set", "cpu.max_count=4")
        out, _ = self.visor("resize", "vm0", "--memory", "2GiB", "--vcpus", "3")
        self.assertEqual(out, "memory: 2048 MiB\nvcpus: 1 before, 3 now\n")
        value = self.json("resize", "vm0", "--vcpus", "2")
        self.assertEqual(value, {"id": "vm0", "vcpus": {"before": 3, "after": 2}})
        for words in ((), ("--memory", "many"), ("--vcpus", "-1"), ("--vcpus", "2x")):
            self.error("resize", "vm0", *words, status=2)
        self.assertIn("cpu.max_count", self.error("resize", "vm0", "--vcpus", "9", status=1)["message"])


class Measures(CommandTest):
    def test_what_a_vm_lacks_is_said(self):
        self.detach("vm0")
        for words in (("stats", "vm0"), ("balloon", "vm0"), ("dump", "vm0", "x.elf")):
            self.assertEqual(self.error(*words, status=4)["code"], "unsupported")
        self.assertIn("none of elf", self.error("dump", "--format", "zip", "vm0", "x", status=2)["message"])
        self.error("balloon", "vm0", "much", status=2)


class Doctor(CommandTest):
    def test_host_and_plugins(self):
        value = self.json("doctor")
        found = {each["what"]: each for each in value["host"]}
        self.assertTrue(found["cpus"]["there"])
        for each in found.values():
            self.assertTrue(each["detail"], each)
        self.assertTrue({each["what"]: each["there"] for each in value["plugins"]}["mock"])
        self.assertNotIn("matrix", value)
        self.assertRegex(self.visor("doctor")[0], r"(?ms)^host:\n.*^plugins:\n.*^mock ")

    def test_matrix_has_a_reason_for_each_no(self):
        matrix = self.json("doctor", "--matrix")["matrix"]
        self.assertEqual(matrix["mock"], self.json("plugin", "show", "mock")["features"])
        self.assertIs(matrix["mock"]["any"]["pause"], True)
        for machines in matrix.values():
            for features in machines.values():
                for feature, answer in features.items():
                    self.assertTrue(answer is True or len(answer) > 5, (feature, answer))
        self.assertRegex(self.visor("plugin", "show", "mock")[0], r"(?m)^FEATURE +any$")


if __name__ == "__main__":
    unittest.main()
