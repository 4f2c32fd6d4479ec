# SPDX-License-Identifier: Apache-2.0
"""Installs into a prefix, moves it, and uses what is there as other projects do: command, CMake package, pkg-config."""
import json
import os
import shutil
import unittest

from installed import BUILD, CXX, SANITIZE, SOURCE, Installed


class Packaging(Installed):
    def check_host_program(self, program, **environment):
        out = self.call(program, **environment)
        self.assertRegex(out, r"(?m)^plugin .*/elsewhere/visorkit/lib.*/visorkit/plugins/mock\.so$")
        self.assertRegex(out, r"(?m)^vm vm-[0-9a-f]{8} running$")
        self.assertIn("event exited", out)
        self.assertRegex(out, r"(?m)^stopped by guest, guest_shutdown$")
        self.assertEqual(list(self.run_dir.iterdir()), [])

    def test_nothing_points_into_the_build_or_the_first_place(self):
        for path in self.prefix.rglob("*"):
            if not path.is_file() or path.is_symlink():
                continue
            data = path.read_bytes()
            if data.startswith(b"\x7fELF"):
                # Debug information may name sources; what the loader reads may not.
                data = self.call("readelf", "--dynamic", path).encode()
            elif data.startswith(b"!<arch>\n"):
                bare = self.folder / "bare.a"
                self.call("objcopy", "--strip-debug", path, bare)
                data = bare.read_bytes()
            for place in (BUILD, SOURCE, self.folder / "first"):
                self.assertNotIn(str(place).encode() + b"/", data, path)

    def test_moved_command_finds_its_own_parts(self):
        plugins = json.loads(self.visor("--json", "plugin", "list"))
        folder = self.library_folder() / "visorkit" / "plugins"
        self.assertEqual([entry["directory"] for entry in plugins["searched"]], [str(folder)])
        names = {plugin["name"] for plugin in plugins["plugins"] if plugin["accepted"]}
        self.assertEqual(names, {"mock", "qemu-amd64", "qemu-arm64", "qemu-ppc64le", "qemu-s390x"})
        keeper = self.prefix / "libexec" / "visorkit" / "visor-keeper"
        self.assertTrue(os.access(keeper, os.X_OK), keeper)

    def test_moved_command_runs_a_vm(self):
        config = self.folder / "vm.yaml"
        config.write_text("hypervisor: mock\n")
        self.assertEqual(self.visor("run", "--detach", "--id", "vm0", config), "vm0\n")
        self.assertIn("guest", self.visor("stop", "vm0"))
        self.visor("rm", "vm0")
        self.assertEqual(list(self.run_dir.iterdir()), [])

    def test_host_program_by_cmake(self):
        self.check_host_program(self.build(SOURCE / "examples" / "host-runtime") / "host-runtime")

    def test_raw_launch_by_cmake(self):
        program = self.build(SOURCE / "examples" / "raw-launch") / "raw-launch"
        with self.assertRaisesRegex(AssertionError, "'/no/such/qemu'"):
            self.call(program, "/no/such/qemu")
        if not shutil.which("qemu-system-x86_64"):
            self.skipTest("qemu-system-x86_64 is not installed")
        self.assertRegex(self.call(program), r"\Aqemu [0-9.]+ running\nended with exit code 0\n\Z")
        with self.assertRaisesRegex(AssertionError, r"ended with exit code 1"):
            self.call(program, "qemu-system-x86_64", "-machine", "no-such-machine")

    def compile_by_pkg_config(self, part, source):
        """A program from one source, with what pkg-config says about one of the libraries and nothing else."""
        if not shutil.which("pkg-config"):
            self.skipTest("pkg-config is not installed")
        flags = self.call("pkg-config", "--cflags", "--libs", f"visorkit-{part}",
                          PKG_CONFIG_PATH=str(self.library_folder() / "pkgconfig")).split()
        program = self.folder / f"by-pkg-config-{part}"
        self.call(CXX, "-std=c++20", *SANITIZE, source, *flags, "-o", program)
        return program

    def test_host_program_by_pkg_config(self):
        program = self.compile_by_pkg_config("runtime", SOURCE / "examples" / "host-runtime" / "main.cpp")
        self.check_host_program(program, LD_LIBRARY_PATH=str(self.library_folder()))

    def test_core_and_sdk_by_pkg_config(self):
        for part, header, expression in (("core", "visor/core/json.hpp", 'visor::to_json(visor::parse_json("[1, 2]"))'),
                                         ("sdk", "visor/sdk/exit.hpp", 'visor::sdk::stderr_excerpt("[1,2]\\n")')):
            source = self.folder / f"{part}.cpp"
            source.write_text(f'#include "{header}"\n#include <cstdio>\n'
                              f"int main() {{ std::puts({expression}.c_str()); }}\n")
            program = self.compile_by_pkg_config(part, source)
            self.assertEqual(self.call(program, LD_LIBRARY_PATH=str(self.library_folder())), "[1,2]\n")

    def test_plugin_by_cmake(self):
        plugins = self.build(SOURCE / "tests" / "packaging" / "plugin") / "lib" / "visorkit" / "plugins"
        names = [line.split()[-1] for line in
                 self.call("nm", "-D", "--defined-only", plugins / "third-party.so").splitlines()]
        self.assertEqual(sorted(names), ["visor_plugin_entry", "visor_plugin_identity"])
        out = self.visor("--plugin-dir", plugins, "plugin", "show", "third-party")
        self.assertIn("Built out of tree", out)
        config = self.folder / "third.yaml"
        config.write_text("hypervisor: third-party\n")
        self.assertEqual(self.visor("--plugin-dir", plugins, "render", "--id", "x", config), "/bin/true\nx\n")

    def test_doubles_by_cmake(self):
        folder = self.build(SOURCE / "tests" / "packaging" / "testing")
        out = self.call("ctest", "--test-dir", folder, "--output-on-failure", "--verbose")
        self.assertIn("1: paused\n", out)
        self.assertRegex(out, "2: .*not today")
        self.assertIn("2: guest_shutdown\n", out)
        self.assertIn("100% tests passed, 0 tests failed out of 3", out)
        self.assertEqual(list(self.run_dir.iterdir()), [])

    def test_doubles_by_pkg_config(self):
        project = SOURCE / "tests" / "packaging" / "testing"
        program = self.compile_by_pkg_config("testing", project / "client_test.cpp")
        out = self.call(program, project / "dialogue.yaml", LD_LIBRARY_PATH=str(self.library_folder()))
        self.assertEqual(out, "paused\n")

    def test_programs_of_the_doubles_say_what_they_are(self):
        for name, first in (("visor-fake-qemu", "QEMU emulator version"), ("visor-qmp-record", "visor-qmp-record")):
            program = self.prefix / "bin" / name
            self.assertTrue(self.call(program, "--version").startswith(first))
            self.assertTrue(self.call(program, "--help").startswith(f"Usage: {name} "))

    def test_libraries_need_no_yaml_cpp_of_their_users(self):
        project = self.folder / "plain"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(plain LANGUAGES CXX)\n"
            "set(CMAKE_DISABLE_FIND_PACKAGE_yaml-cpp ON)\nfind_package(visorkit 0.1 REQUIRED COMPONENTS core sdk)\n"
            "if(TARGET visorkit::testing)\n  message(FATAL_ERROR \"nobody asked for it\")\nendif()\n")
        self.call("cmake", "-G", "Ninja", "-S", project, "-B", project / "build",
                  f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={CXX}")

    def test_wrong_version_is_refused_by_cmake(self):
        project = self.folder / "wrong"
        project.mkdir()
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(wrong LANGUAGES CXX)\n"
                                                "find_package(visorkit 0.2 REQUIRED)\n")
        with self.assertRaisesRegex(AssertionError, "visorkit"):
            self.call("cmake", "-G", "Ninja", "-S", project, "-B", project / "build",
                      f"-DCMAKE_PREFIX_PATH={self.prefix}")


if __name__ == "__main__":
    unittest.main()
