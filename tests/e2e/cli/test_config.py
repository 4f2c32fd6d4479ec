# SPDX-License-Identifier: Apache-2.0
"""Configurations as the command reads, checks and renders them."""
import subprocess
import unittest

from command import CommandTest


class Validate(CommandTest):
    def test_says_for_which_plugin(self):
        self.assertEqual(self.visor("validate", self.config)[0], f"{self.config}: valid for mock\n")

    def test_json_has_the_defaults(self):
        value = self.json("validate", self.config)
        self.assertEqual((value["valid"], value["plugin"]), (True, "mock"))
        self.assertEqual(value["config"]["cpu"]["count"], 1)

    def test_typo_has_its_place_and_the_nearest_key(self):
        config = self.write("typo.yaml", "hypervisor: mock\nmemory:\n  sise: 1GiB\n")
        message = self.error("validate", config, status=2)["message"]
        self.assertIn("typo.yaml:3:3: memory.sise", message)
        self.assertIn("size", message)

    def test_overrides_are_typed(self):
        config = self.json("validate", self.config, "--set", "memory.size=512MiB", "--set", "cpu.count=2", "--set",
                           "debug=true", "--name", "other")["config"]
        self.assertEqual((config["memory"]["size"], config["cpu"]["count"], config["debug"], config["name"]),
                         ("512MiB", 2, True, "other"))

    def test_bad_override(self):
        message = self.error("validate", self.config, "--set", "memory.sise=1GiB", status=2)["message"]
        self.assertIn("--set memory.sise: ", message)

    def test_reads_stdin(self):
        out, _ = self.visor("validate", "-", input="hypervisor: mock\n")
        self.assertEqual(out, "-: valid for mock\n")

    def test_missing_file_and_unknown_plugin(self):
        self.assertIn("no.yaml", self.error("validate", "no.yaml", status=3)["message"])
        config = self.write("bochs.yaml", "hypervisor: bochs\n")
        for command in ("run", "validate", "render"):
            with self.subTest(command):
                error = self.error(command, config, status=3)
                self.assertIn("bochs", error["message"])
                self.assertIn(self.environment["VISOR_PLUGIN_PATH"], error["message"])
                self.assertIn("visor plugin list --why", error["hint"])
        self.assert_nothing_left()

    def test_only_a_missing_plugin_hints_at_the_plugins(self):
        config = self.write("kernel.yaml", "hypervisor: qemu-amd64\nmachine: {type: q35, accelerator: tcg}\n"
                                           "boot: {kernel: /no/such, initrd: /no/such}\n")
        for command, file in (("run", config), ("validate", config), ("render", config), ("validate", "/no/such")):
            with self.subTest(f"{command} {file}"):
                error = self.error(command, file, status=3)
                self.assertIn("/no/such", error["message"])
                self.assertNotIn("plugin list", error.get("hint", ""))
        self.assert_nothing_left()

    def test_control_characters_of_a_file_are_not_shown(self):
        config = self.write("evil.yaml", 'hypervisor: "\\e[31mred"\n')
        _, err = self.visor("validate", config, status=2)
        self.assertNotIn("\x1b", err)


class Render(CommandTest):
    def test_mock_starts_no_process(self):
        self.assertEqual(self.visor("render", self.config)[0], "")
        self.assertEqual(self.json("render", self.config), {"plugin": "mock", "argv": []})
        self.assertIn("starts no process", self.visor("-v", "render", self.config)[1])
        self.assertFalse(self.run_dir.exists())

    def qemu(self):
        """A configuration whose command line has blanks, quotes and what else a shell would read as its own."""
        for name in ("kernel", "my initrd"):
            self.write(name, "not really one")
        return self.write("qemu.yaml", f"""
hypervisor: qemu-amd64
name: it's a "test" of $HOME `date` \\ *
machine: {{type: q35, accelerator: tcg}}
memory: {{size: 128MiB}}
boot: {{kernel: {self.folder}/kernel, initrd: "{self.folder}/my initrd", kernel_params: ["greeting=hello world"]}}
""")

    def test_qemu_has_an_element_a_line(self):
        config = self.qemu()
        out, err = self.visor("render", "--id", "vm7", config)
        lines = out.splitlines()
        self.assertEqual((lines[0], err), ("qemu-system-x86_64", ""))
        self.assertEqual(lines[lines.index("-name") + 1],
                         "guest=it's a \"test\" of $HOME `date` \\ *,process=qemu:vm7,debug-threads=on")
        self.assertEqual(lines[lines.index("-initrd") + 1], f"{self.folder}/my initrd")
        self.assertTrue(lines[lines.index("-append") + 1].endswith(' greeting="hello world"'), out)
        self.assertEqual(self.json("render", "--id", "vm7", config), {"plugin": "qemu-amd64", "argv": lines})
        self.assertFalse(self.run_dir.exists())

    def test_explains_each_part(self):
        config = self.qemu()
        value = self.json("render", "--explain", "--set", "cpu.count=2", config)
        self.assertEqual(value["argv"], self.json("render", "--set", "cpu.count=2", config)["argv"])
        self.assertEqual(value["argv"], [word for part in value["parts"] for word in part["words"]])
        of = {part["words"][0]: part for part in value["parts"]}
        self.assertEqual((of["-m"]["section"], of["-m"]["reason"], of["-m"]["from"]),
                         ("machine", "memory.size", f"{config}:5:10"))
        self.assertEqual((of["-smp"]["reason"], of["-smp"]["from"]), ("cpu.count", "--set cpu.count"))
        self.assertEqual((of["-cpu"]["reason"], of["-cpu"]["from"]), ("cpu.model", "default"))
        self.assertNotIn("from", of["-S"])
        self.assertTrue(all(part["reason"] for part in value["parts"]), value)
        text, _ = self.visor("render", "--explain", config)
        self.assertRegex(text, rf"(?m)^machine:\n(  .*\n)*  -m size=128M,?\S* +memory.size \({config}:5:10\)\n")
        self.assertFalse(self.run_dir.exists())

    def test_explain_and_shell_exclude_each_other(self):
        self.assertIn("--shell", self.error("render", "--explain", "--shell", self.config, status=2)["message"])

    def test_mock_has_nothing_to_explain(self):
        self.assertEqual(self.visor("render", "--explain", self.config)[0], "")
        self.assertEqual(self.json("render", "--explain", self.config), {"plugin": "mock", "argv": [], "parts": []})

    def test_all_that_is_wrong_has_its_place(self):
        self.write("kernel", "not really one")
        config = self.write("wrong.yaml", """hypervisor: qemu-amd64
machine: {accelerator: tcg}
boot: {kernel: kernel, initrd: missing}
devices:
  - {type: nic, backend: macvtap, interface: m0}
  - type: share
    path: /srv
    tag: t
    protocol: virtio-fs
    read_only: true
""")
        for command in ("validate", "render", "run"):
            with self.subTest(command):
                lines = self.error(command, config, status=2)["message"].splitlines()
                self.assertEqual([line.split(": ")[:2] for line in lines],
                                 [[f"{config}:3:24", "boot.initrd"], [f"{config}:5:17", "devices[0].backend"],
                                  [f"{config}:10:5", "devices[1].read_only"]])
        self.assert_nothing_left()

    def test_shell_reads_the_same_elements(self):
        config = self.qemu()
        line, _ = self.visor("render", "--shell", config)
        self.assertEqual(line.count("\n"), 1)
        done = subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True,
                              timeout=self.deadline, cwd=self.folder, env=self.environment)
        self.assertEqual(done.stdout.splitlines(), self.json("render", config)["argv"])

    def test_bad_id(self):
        self.assertIn("no VM id", self.error("render", "--id", "../x", self.config, status=2)["message"])


if __name__ == "__main__":
    unittest.main()
