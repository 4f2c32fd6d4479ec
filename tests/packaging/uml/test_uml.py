# SPDX-License-Identifier: Apache-2.0
"""Builds examples/plugin-uml against an installed tree alone and boots guests with it. Exit status 77: it cannot."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from installed import SOURCE, Installed  # noqa: E402


class Uml(Installed):
    limit_seconds = 1500
    guest = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.built = cls.build(SOURCE / "tests" / "packaging" / "uml")
        cls.plugins = next(cls.built.rglob("uml.so")).parent

    def test_guests(self):
        self.call(self.built / "guest_tests", UML_GUEST=self.guest)

    def test_conformance(self):
        self.call(self.built / "conformance", UML_GUEST=self.guest)

    def test_command_runs_a_guest(self):
        config = self.folder / "uml.yaml"
        config.write_text(f"hypervisor: uml\nmemory:\n  size: 128MiB\nboot:\n  initrd: {self.guest}/initrd\n"
                          "  kernel_params: [visor.poweroff=0, visor.nonce=by-command]\n")
        plugins = ["--plugin-dir", self.plugins]
        self.assertIn("User-Mode Linux", self.visor(*plugins, "plugin", "show", "uml"))
        shown = self.visor(*plugins, "render", "--id", "x", config)
        self.assertTrue(shown.startswith("/usr/bin/linux.uml\nmem=128M\n"), shown)
        self.assertIn('"nonce":"by-command"', self.visor(*plugins, "run", config))
        self.assertEqual(list(self.run_dir.iterdir()), [])


def main():
    if not shutil.which("linux.uml"):
        print("SKIP: linux.uml is not installed (Debian's package user-mode-linux)")
        return 77
    guest = subprocess.run([SOURCE / "scripts" / "guest" / "build", "--print-dir", "amd64"], stdout=subprocess.PIPE,
                           text=True, check=False)
    if os.uname().machine != "x86_64" or guest.returncode != 0:
        print("SKIP: there is no guest for this host")
        return 77
    Uml.guest = guest.stdout.strip()
    return 0 if unittest.main(exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
