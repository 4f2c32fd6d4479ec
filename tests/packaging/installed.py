# SPDX-License-Identifier: Apache-2.0
"""An installed tree, moved elsewhere, and programs that use it with nothing of the build in their environment."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["VISOR_BUILD"])
SOURCE = pathlib.Path(os.environ["VISOR_SOURCE"])
CXX = os.environ["CXX"]
SANITIZE = [f"-fsanitize={os.environ['VISOR_SANITIZE']}"] if os.environ.get("VISOR_SANITIZE") else []
LAUNCHER = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []


class Installed(unittest.TestCase):
    limit_seconds = 300

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="vp-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        installed = cls.folder / "first"
        cls.call("cmake", "--install", BUILD, "--prefix", installed)
        cls.prefix = cls.folder / "elsewhere" / "visorkit"
        cls.prefix.parent.mkdir()
        installed.rename(cls.prefix)
        cls.run_dir = cls.folder / "run"

    @classmethod
    def call(cls, *words, **environment):
        """Runs a program with nothing of the build in its environment; returns its output."""
        clean = {key: value for key, value in os.environ.items()
                 if not key.startswith(("VISOR_", "LD_", "CMAKE_", "PKG_CONFIG"))}
        clean["VISOR_RUN_DIR"] = str(cls.folder / "run")
        done = subprocess.run([str(word) for word in words], env=clean | environment, cwd=cls.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=cls.limit_seconds, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{words}: status {done.returncode}\n{done.stdout}")
        return done.stdout

    @classmethod
    def visor(cls, *words):
        return cls.call(cls.prefix / "bin" / "visor", *words)

    @classmethod
    def build(cls, source):
        folder = cls.folder / ("build-" + source.name)
        flags = " ".join(["-Wall", "-Wextra", "-Werror", *SANITIZE])
        cls.call("cmake", "-G", "Ninja", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={cls.prefix}",
                  f"-DCMAKE_CXX_COMPILER={CXX}", f"-DCMAKE_CXX_FLAGS={flags}", *LAUNCHER)
        # The folder has another name each time, which must not make other objects for ccache.
        cls.call("cmake", "--build", folder, CCACHE_BASEDIR=str(cls.folder), CCACHE_NOHASHDIR="1")
        return folder

    @classmethod
    def library_folder(cls):
        return next(cls.prefix.rglob("libvisor-core.so")).parent
