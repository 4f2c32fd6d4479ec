# SPDX-License-Identifier: Apache-2.0
"""Who may include what. The picture is in docs/ARCHITECTURE.md; this is the same as a table.

An include counts as one of:
  visor/<part>/...   a public header, by the name it is included with
  <folder>/...       a private header, by its path in the tree
  std posix linux boost/... nlohmann yaml-cpp spdlog fmt nettle gtest gmock benchmark fuzzer    what is not ours
A file follows the first rule whose pattern fits its path. An entry of `allow` permits what begins with it; with `deep`
that holds for what the included headers of ours include as well.
"""
import collections

Rule = collections.namedtuple("Rule", "files allow deep", defaults=[False])

CORE = ["visor/core/"]
DEVICE = ["visor/sdk/device/", "sdk/src/device/"]
QMP = ["visor/sdk/qmp/", "sdk/src/qmp/"]
PROCESS = ["visor/sdk/process/", "sdk/src/process/"]
SOCKET = ["sdk/src/process/unix_socket"]
COMMON = ["sdk/src/leak.hpp"]  # helpers that know nothing of any part
ASIO = ["boost/asio/", "boost/system/"]
IO_THREAD = ["visor/sdk/io_thread.hpp", "sdk/src/io_thread"]
SYSTEM = ["std", "posix", "linux"]
# What a public header may use beside its own kind: the standard library, close(), pid_t.
PUBLIC = ["std", "posix/unistd.h", "posix/sys/types.h"]
SDK_PUBLIC = CORE + PUBLIC + ["visor/sdk/export.h"]
KEEPER_CORE = ["visor/core/unique_fd.hpp", "visor/core/call.hpp", "visor/core/export.h", "visor/sdk/export.h"]
TESTING = ["gtest", "gmock", "visor/testing/"]

RULES = [
    Rule("core/include/visor/core/*", CORE + PUBLIC),
    Rule("core/include/visor/runtime/*", CORE + PUBLIC + ["visor/runtime/"]),
    Rule("core/src/core/*", CORE + ["core/src/core/", "nlohmann", "nettle", "fmt", "spdlog"] + SYSTEM),
    Rule("core/src/runtime/*",
         CORE + ["visor/runtime/", "core/src/", "boost/dll/", "yaml-cpp", "nlohmann", "spdlog", "fmt"] + SYSTEM),
    # Public headers of the SDK: no JSON, no Asio. Neither QMP nor processes know devices, and devices know neither.
    Rule("sdk/include/visor/sdk/device/*", SDK_PUBLIC + DEVICE),
    Rule("sdk/include/visor/sdk/qmp/*", SDK_PUBLIC + QMP + IO_THREAD),
    Rule("sdk/include/visor/sdk/process/*", SDK_PUBLIC + PROCESS + IO_THREAD),
    Rule("sdk/include/visor/sdk/*", SDK_PUBLIC + ["visor/sdk/"]),
    Rule("sdk/include/visor/testing/*", SDK_PUBLIC + ["visor/sdk/"] + TESTING),
    Rule("sdk/src/device/*", SDK_PUBLIC + DEVICE + ["nlohmann", "fmt"] + SYSTEM),
    Rule("sdk/src/qmp/*", SDK_PUBLIC + QMP + IO_THREAD + SOCKET + COMMON + ASIO + ["nlohmann", "fmt"] + SYSTEM),
    Rule("sdk/src/process/*", SDK_PUBLIC + PROCESS + IO_THREAD + COMMON + ASIO + ["fmt"] + SYSTEM),
    # Test doubles share no code with what they stand in for: core, and YAML for their scripts.
    Rule("sdk/src/testing/*", CORE + ["visor/testing/", "sdk/src/testing/", "yaml-cpp"] + SYSTEM),
    Rule("sdk/src/*", CORE + ["visor/sdk/", "visor/testing/", "sdk/src/", "nlohmann", "fmt"] + ASIO + SYSTEM),
    # The keeper: the system, and the values and wire format that it shares with the SDK's side of it. None of those
    # headers may lead to Boost, JSON or the rest of core: the keeper links nothing.
    Rule("sdk/keeper/*", ["sdk/keeper/"] + KEEPER_CORE + PROCESS + SYSTEM, True),
    # A QEMU plugin answers questions: values in, values out.
    Rule("plugins/qemu-*", CORE + ["visor/sdk/plugin.hpp", "visor/sdk/qemu/", "plugins/qemu-", "std"]),
    Rule("plugins/*", CORE + ["visor/sdk/", "plugins/", "nlohmann"] + SYSTEM),
    Rule("cli/stream.cpp", CORE + ["cli/"] + ASIO + SYSTEM),  # the connection over which a VM moves
    Rule("cli/*", CORE + ["visor/runtime/", "cli/", "boost/program_options", "nlohmann"] + SYSTEM),
    # Examples are other people's programs: a plugin sees the SDK, a host program the runtime; one that launches QEMU by
    # itself the SDK.
    Rule("examples/plugin-*", CORE + ["visor/sdk/", "examples/plugin-"] + SYSTEM),
    Rule("examples/raw-launch/*", CORE + ["visor/sdk/"] + SYSTEM),
    Rule("examples/*", CORE + ["visor/runtime/", "examples/"] + SYSTEM),
    # Tests and benchmarks may look everywhere; their targets have include folders of their own.
    Rule("tests/*", [""]),
    Rule("bench/*", [""]),
    Rule("cmake/*", []),
]

# Heavy headers that one .cpp file of a folder may include: the compile time of all others depends on it.
ONLY_ONE_FILE = [("boost/dll/", "core/src/runtime/"), ("yaml-cpp", "core/src/runtime/"),
                 ("yaml-cpp", "sdk/src/testing/"), ("spdlog", "core/src/"), ("nettle", "core/src/core/")]

# Where a quoted include of a private header is looked for, beside the file's own folder.
ROOTS = ["core/src", "core/src/core", "core/src/runtime", "sdk/src", "sdk", "sdk/keeper", "sdk/src/process", "cli",
         "plugins"]
