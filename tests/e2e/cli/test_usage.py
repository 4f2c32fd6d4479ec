# SPDX-License-Identifier: Apache-2.0
"""What the command says about itself and about words it does not know."""
import json
import os
import subprocess
import unittest

from command import CommandTest, VISOR

COMMANDS = ["run", "ps", "inspect", "console", "wait", "stop", "pause", "resume", "rm", "gc", "plugin", "validate",
            "render", "version", "help"]


class Usage(CommandTest):
    def test_help_names_every_command(self):
        for words in (["help"], ["--help"], ["-h"]):
            out, err = self.visor(*words)
            self.assert_help_mentions(out, COMMANDS)
            self.assertEqual(err, "")

    def test_every_command_has_a_help(self):
        for name in COMMANDS:
            out, _ = self.visor("help", name)
            self.assertIn(f"usage: visor {name}", out)
            self.assertEqual(self.visor(name, "--help")[0], out)

    def test_bare_command_is_a_usage_error(self):
        out, _ = self.visor(status=2)
        self.assertIn("usage: visor", out)

    def test_version(self):
        self.assertRegex(self.visor("version")[0], r"^visor \d+\.\d+\.\d+ \(plugin ABI \d+, glibcxx")
        self.assertEqual(self.visor("--version"), self.visor("version"))
        self.assertEqual(set(self.json("version")), {"version", "plugin_abi", "fingerprint"})

    def test_unknown_command_names_the_nearest(self):
        error = self.error("inpsect", status=2)
        self.assertEqual(error["code"], "invalid_config")
        self.assertIn("did you mean 'inspect'?", error["message"])
        self.assertIn("Unknown command", self.error("help", "xyzzy", status=2)["message"])

    def test_unknown_option_names_the_nearest(self):
        self.assertIn("did you mean '--detach'?", self.error("run", "--detatch", "x", status=2)["message"])
        self.assertIn("Unknown option --force", self.error("ps", "--force", status=2)["message"])

    def test_wrong_number_of_arguments(self):
        self.assertIn("visor run [OPTION...] FILE", self.error("run", status=2)["message"])
        self.assertIn("from 'b' on", self.error("stop", "a", "b", status=2)["message"])

    def test_global_options_stand_before_and_after_the_command(self):
        folder = str(self.folder / "other")
        self.visor("--run-dir", folder, "run", "-d", "--id", "a", self.config)
        self.assertEqual(len(self.json("ps", "--run-dir", folder)["vms"]), 1)
        self.assertEqual(self.json("ps")["vms"], [])
        self.visor("rm", "-f", "a", "--run-dir=" + folder)

    def test_bad_values_of_options(self):
        self.assertIn("trace, debug, info", self.error("ps", "--log-level", "loud", status=2)["message"])
        self.assertIn("--timeout", self.error("ps", "--timeout", "soon", status=2)["message"])

    def test_closed_stdout_ends_as_sigpipe_does(self):
        for words in (["help"], ["--json", "plugin", "list"]):
            reader, writer = os.pipe()
            os.close(reader)
            process = subprocess.Popen([VISOR, *words], env=self.environment, stdout=writer, stderr=subprocess.PIPE)
            os.close(writer)
            _, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, err), (141, b""))

    def test_full_stdout_is_an_error(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.run([VISOR, "help"], env=self.environment, stdout=full, stderr=subprocess.PIPE,
                                     timeout=30, check=False)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"Cannot write to stdout", process.stderr)

    def test_runs_without_standard_streams(self):
        process = subprocess.run(["sh", "-c", f"exec '{VISOR}' version <&- >&- 2>&-"], env=self.environment, timeout=30,
                                 check=False)
        self.assertEqual(process.returncode, 0)


class Plugins(CommandTest):
    def test_list_and_show(self):
        self.assertRegex(self.visor("plugin", "list")[0], r"(?m)^mock +any +other +/")
        names = [plugin["name"] for plugin in self.json("plugin", "list")["plugins"] if plugin["accepted"]]
        self.assertIn("mock", names)
        self.assertEqual(self.json("plugin", "show", "mock")["name"], "mock")
        self.assertIn("name:", self.visor("plugin", "show", "mock")[0])

    def test_why_names_folders_and_reasons(self):
        (self.folder / "plugins").mkdir()
        (self.folder / "plugins" / "text.so").write_text("no plugin\n")
        out, _ = self.visor("--plugin-dir", str(self.folder / "plugins"), "--plugin-dir", "/nonexistent", "plugin",
                            "list", "--why")
        self.assertIn(f"{self.folder}/plugins (option): searched", out)
        self.assertRegex(out, r"text\.so: rejected: .+")
        self.assertIn("/nonexistent (option): missing", out)
        self.assertIn("mock.so: accepted as mock", out)
        _, err = self.visor("-v", "--plugin-dir", str(self.folder / "plugins"), "plugin", "list")
        self.assertIn("1 rejected", err)

    def test_unknown_words(self):
        error = self.error("plugin", "show", "bochs", status=3)
        self.assertIn("bochs", error["message"])
        self.assertIn(os.environ["VISOR_PLUGINS"], error["message"])
        self.assertIn("did you mean 'list'?", self.error("plugin", "lst", status=2)["message"])
        self.error("plugin", "show", status=2)
        self.error("plugin", "list", "x", status=2)


class Json(CommandTest):
    def test_log_lines_are_events(self):
        self.detach("vm0")
        _, err = self.visor("--json", "--log-level", "trace", "rm", "--force", "vm0")
        for line in err.splitlines():
            self.assertIn("event", json.loads(line))


if __name__ == "__main__":
    unittest.main()
