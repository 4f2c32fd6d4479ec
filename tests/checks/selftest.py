#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks themselves: each must find what was planted for it, at its line, and nothing in a clean tree."""
import contextlib
import io
import pathlib
import runpy
import sys
import tempfile
import textwrap
import unittest
from unittest import mock

import cpp_functions

HERE = pathlib.Path(__file__).resolve().parent
TAG = "// SPDX-License-Identifier: Apache-2.0\n"


class CheckTest(unittest.TestCase):
    """Writes files into an empty tree and runs a check over it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)

    def write(self, path, text):
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_text(text, encoding="utf-8")

    def run_check(self, name, *options):
        """(exit status, output) of a check, which runs in this process: a new one each time would take most of it."""
        output = io.StringIO()
        arguments = [name, "--top", str(self.top), *options]
        with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(output):
            with self.assertRaises(SystemExit) as ended:
                runpy.run_path(str(HERE / name), run_name="__main__")
        return ended.exception.code, output.getvalue()

    def assert_clean(self, name, *options):
        status, output = self.run_check(name, *options)
        self.assertEqual(status, 0, output)

    def assert_finding(self, name, expected, *options):
        status, output = self.run_check(name, *options)
        self.assertEqual(status, 1, output)
        self.assertIn(expected, output)


class Layering(CheckTest):
    def setUp(self):
        super().setUp()
        self.write("core/include/visor/core/a.hpp", '#include "visor/core/b.hpp"\n#include <vector>\n')
        self.write("sdk/src/device/disk.hpp", TAG)
        self.write("sdk/src/qmp/codec.hpp", TAG)

    def test_clean(self):
        self.assert_clean("layering.py")

    def test_nothing_to_look_at_is_no_success(self):
        for path in ("core/include/visor/core/a.hpp", "sdk/src/device/disk.hpp", "sdk/src/qmp/codec.hpp"):
            (self.top / path).unlink()
        self.assertEqual(self.run_check("layering.py")[0], 1)

    def plant(self, path, include, expected="must not include"):
        self.write(path, f"{TAG}\n  #  include {include}\n")
        status, output = self.run_check("layering.py")
        self.assertEqual((status, output.count("\n")), (1, 2), output)
        self.assertRegex(output, rf"^{path}:\d+: .*{expected}")
        (self.top / path).unlink()

    def test_each_layer_refuses_what_is_above_it(self):
        self.plant("core/include/visor/core/x.hpp", '"visor/runtime/runtime.hpp"')
        self.plant("core/src/core/x.cpp", '"visor/sdk/plugin.hpp"')
        self.plant("core/src/runtime/x.cpp", '"visor/sdk/plugin.hpp"')
        self.plant("sdk/src/qemu/x.cpp", '"visor/runtime/runtime.hpp"')
        self.plant("plugins/mock/x.cpp", '"visor/runtime/runtime.hpp"')
        self.plant("cli/x.cpp", '"visor/sdk/process/keeper.hpp"')
        self.plant("examples/host-runtime/x.cpp", '"visor/sdk/plugin.hpp"')

    def test_public_headers_use_the_standard_library_alone(self):
        for library in ("boost/asio/ip/tcp.hpp", "nlohmann/json_fwd.hpp", "yaml-cpp/yaml.h", "spdlog/spdlog.h",
                        "fmt/core.h", "sys/socket.h"):
            self.plant("core/include/visor/core/x.hpp", f"<{library}>")
            self.plant("core/include/visor/runtime/x.hpp", f"<{library}>")
            self.plant("sdk/include/visor/sdk/x.hpp", f"<{library}>")

    def test_parts_of_the_sdk_do_not_know_each_other(self):
        self.plant("sdk/src/device/x.cpp", '"visor/sdk/qmp/client.hpp"')
        self.plant("sdk/src/device/x.cpp", '"../qmp/codec.hpp"')
        self.plant("sdk/src/device/x.cpp", '"qmp/codec.hpp"')
        self.plant("sdk/src/device/x.cpp", '"visor/sdk/process/spec.hpp"')
        self.plant("sdk/src/qmp/x.cpp", '"device/disk.hpp"')
        self.plant("sdk/src/process/x.cpp", '"visor/sdk/qmp/client.hpp"')
        self.plant("sdk/src/testing/x.cpp", '"visor/sdk/qmp/client.hpp"')
        self.plant("sdk/keeper/x.cpp", '"visor/core/error.hpp"')
        self.plant("sdk/keeper/x.cpp", "<boost/asio/io_context.hpp>")

    def test_the_keeper_has_no_heavy_header_by_way_of_another(self):
        self.write("sdk/src/process/a.hpp", '#include "b.hpp"\n')
        self.write("sdk/src/process/b.hpp", "#include <string>\n")
        self.write("sdk/keeper/x.cpp", '#include "a.hpp"\n')
        self.assert_clean("layering.py")
        self.write("sdk/src/process/b.hpp", "#include <boost/asio/io_context.hpp>\n")
        self.assert_finding("layering.py", "x.cpp:1: sdk/keeper/* must not include a.hpp -> b.hpp -> boost/asio")

    def test_architectures_answer_with_values(self):
        self.plant("plugins/qemu-arm64/x.cpp", "<boost/asio/io_context.hpp>")
        self.plant("plugins/qemu-arm64/x.cpp", "<nlohmann/json.hpp>")
        self.plant("plugins/qemu-arm64/x.cpp", '"visor/sdk/process/spec.hpp"')

    def test_a_heavy_header_has_one_home(self):
        self.write("core/src/runtime/a.cpp", "#include <yaml-cpp/yaml.h>\n")
        self.assert_clean("layering.py")
        self.plant("core/src/runtime/b.cpp", "<yaml-cpp/yaml.h>", "one file alone may include yaml-cpp")
        self.write("sdk/src/testing/a.cpp", "#include <yaml-cpp/yaml.h>\n")
        self.assert_clean("layering.py")
        self.plant("sdk/src/testing/b.cpp", "<yaml-cpp/yaml.h>", "one file alone may include yaml-cpp")

    def test_what_leads_nowhere(self):
        self.plant("core/src/core/x.cpp", '"nowhere.hpp"', "is not in the tree")
        self.write("elsewhere/x.cpp", TAG)
        self.assert_finding("layering.py", "elsewhere/x.cpp:1: no rule")

    def test_a_comment_includes_nothing(self):
        self.write("core/src/core/x.cpp", '// #include "visor/sdk/plugin.hpp"\n/*\n#include <boost/asio.hpp>\n*/\n')
        self.assert_clean("layering.py")


class Sizes(CheckTest):
    def test_limits(self):
        self.write("a.cpp", TAG + "int a;\n" * 399)
        self.write("b.cpp", f"// {'x' * 117}\n")
        self.write("c.cpp", "void f() {\n" + "  g();\n" * 58 + "}\n")
        self.assert_clean("sizes.py")
        self.write("a.cpp", TAG + "int a;\n" * 400)
        self.assert_finding("sizes.py", "a.cpp:401: 401 lines")
        self.write("b.cpp", f"\n// {'x' * 118}\n")
        self.assert_finding("sizes.py", "b.cpp:2: 121 columns")
        self.write("c.cpp", "\nvoid f() {\n" + "  g();\n" * 59 + "}\n")
        self.assert_finding("sizes.py", "c.cpp:2: f has 61 lines")

    def test_functions_of_other_languages(self):
        self.write("a.sh", "f() {\n" + "  g\n" * 59 + "}\n")
        self.assert_finding("sizes.py", "a.sh:1: f has 61 lines")
        self.write("a.py", "def f():\n" + "  g()\n" * 60)
        self.assert_finding("sizes.py", "a.py:1: f has 61 lines")
        self.write("a.cmake", "function(f)\n" + "  g()\n" * 59 + "endfunction()\n")
        self.assert_finding("sizes.py", "a.cmake:1: f has 61 lines")


class CppFunctions(unittest.TestCase):
    def assert_functions(self, text, *expected):
        found = [(each.name, each.line, each.length) for each in cpp_functions.functions(textwrap.dedent(text))]
        self.assertEqual(found, list(expected))

    def test_free_functions(self):
        self.assert_functions("int f(int a = g({1})) noexcept(true) {\n  return a;\n}\n", ("f", 1, 3))
        self.assert_functions("auto f() -> std::vector<int> {\n}\n", ("f", 1, 2))
        self.assert_functions('extern "C" {\nvoid f() { }\n}\nextern "C" int g() { return 1; }\n',
                              ("f", 2, 1), ("g", 4, 1))
        self.assert_functions("template <class T = int>\n  requires A<T>\nvoid f(T t) requires B<T> {\n}\n",
                              ("f", 1, 4))
        self.assert_functions("bool operator==(A a, B b) {\n}\n", ("operator==", 1, 2))

    def test_members(self):
        self.assert_functions("""\
            class A final : public B {
             public:
              A(int x) : a_{x}, b_{{1, 2}}, c_(3) {
              }
              virtual ~A() = default;
              int f() const override {
                if (a_) {
                }
                return 1;
              }
              std::function<void(int)> g_{nullptr};
              int a_{1};
            };
            """, ("A", 3, 2), ("f", 6, 5))
        self.assert_functions("int a::B::f() && {\n}\na::B::~B() {\n}\n", ("a::B::f", 1, 2), ("a::B::~B", 3, 2))

    def test_what_is_no_function(self):
        self.assert_functions("""\
            enum class E : int { a, b };
            struct alignas(64) S { int x; };
            constexpr std::array<T, 2> table = {{
                {1, f(2)},
            }};
            namespace a::b { int c(3); }
            concept C = requires(T t) { t.f(); };
            """)

    def test_lambdas_count_with_their_function(self):
        self.assert_functions("void f() {\n  g([](int a) {\n  });\n}\n", ("f", 1, 4))
        self.assert_functions("const auto f = [](int a) {\n};\n", ("lambda", 1, 2))

    def test_text_that_looks_like_code(self):
        self.assert_functions('''\
            // void a() {
            /* { */ char b = '{'; const char* c = "}{\\"{";
            auto d = R"x( } )" { )x"; int e = 1'000;
            #define M(x) { \\
                x
            void f() {
            #if A
              if (a) {
            #else
              if (b) {
            #endif
              }
            }
            ''', ("f", 6, 8))


class Options(CheckTest):
    def plant(self, code, path="sdk/src/qemu/x.cpp"):
        self.write(path, f"{TAG}void f() {{\n  {code}\n}}\n")

    def test_clean(self):
        for code in ('bag.set("size", n);', 'throw Error("a=b, c=" "d");', '// x + ",path="', 'return a + ", " + b;',
                     'use("driver=raw,node-name=x");', "word.find(',') == n;", "if (c == '=') g();",
                     'text = R"(a "b" c)";', 'line.plain("-append", x);'):
            self.plant(code)
            self.assert_clean("options.py")

    def test_findings(self):
        for code in ('auto x = "size=" + n;', 'x += ",path=" + path;', 'x = key + \'=\' + value;', 'x += \',\';',
                     'out << "id=" << id;', 'x.append(",readonly=on");', 'snprintf(b, n, "size=%s", x);',
                     'format("id={},x={}", a, b);', 'x = y + ",readonly=on";', 'x += (x.empty() ? "" : ",") + y;',
                     'x = std::string{"id="} + id;', 'x = R"(,path=)" + y;'):
            self.plant(code)
            self.assert_finding("options.py", "sdk/src/qemu/x.cpp:3: ")

    def test_where_it_looks(self):
        code = 'x += ",path=" + path;'
        self.plant("g();")
        for path in ("sdk/src/device/property_bag.cpp", "tests/x.cpp", "core/src/core/x.cpp", "plugins/mock/x.cpp"):
            self.plant(code, path)
        self.assert_clean("options.py")
        for path in ("sdk/src/device/x.cpp", "sdk/src/hotplug/x.cpp", "plugins/qemu-arm64/x.cpp", "cli/x.cpp",
                     "sdk/include/visor/sdk/x.hpp", "core/src/runtime/x.cpp"):
            self.plant(code, path)
            self.assert_finding("options.py", f"{path}:3: ")
            (self.top / path).unlink()


class Text(CheckTest):
    def test_clean(self):
        self.write("a.cpp", TAG + "#if __has_include(<a>)\n#endif\n")
        self.write("b", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n")
        self.assert_clean("text.py")

    def test_findings(self):
        self.write("a.cpp", "int a;\n")
        self.assert_finding("text.py", "a.cpp:1: the first line")
        (self.top / "a.cpp").unlink()
        for planted in ("see /wo" "rk/main", "https://deb.debian" ".org/", "// TO" "DO later", "as design §" "3 says"):
            self.write("a.md", f"a\n{planted}\n")
            self.assert_finding("text.py", "a.md:2: ")
        (self.top / "a.md").unlink()
        for planted in ("#ifdef __x86_" "64__", "#if 1 && \\\n  defined(__aarch" "64__)", "#elif defined __s39" "0x__"):
            self.write("a.hpp", f"{TAG}{planted}\n#endif\n")
            self.assert_finding("text.py", "at run time")


class Shell(CheckTest):
    def test_syntax(self):
        self.write("a", "#!/bin/sh\necho a\n")
        self.assert_clean("shell.py")
        self.write("a", "#!/usr/bin/env bash\nif true; then\n")
        self.assert_finding("shell.py", "a: line 3")


class Seeds(CheckTest):
    HEAD = "## 001 things\n| name | here | test |\n|---|---|---|\n"

    def setUp(self):
        super().setUp()
        self.write("tests/checks/seed-names.txt", "# words\n\n# 001 things\nAlpha: One Two\nbeta\n")
        self.write("src/a.hpp", "struct Alpha { int one; };\n")
        self.write("tests/a.cpp", "TEST_F(AlphaTest, works) {}\n")

    def document(self, *rows):
        self.write("docs/SEEDS.md", self.HEAD + "".join(f"{row}\n" for row in rows))

    FIELDS = "| `Alpha.One` `.Two` | planned | planned |"
    BETA = "| `beta` | planned | planned |"

    def test_clean(self):
        self.document("| `Alpha` | `src/a.hpp#Alpha::one` | `AlphaTest.works` |", self.FIELDS, self.BETA)
        self.assert_clean("seeds.py")
        self.assert_finding("seeds.py", "beta is still planned", "--forbid-planned")

    def test_findings(self):
        for row, expected in (
                ("| `Alpha` | `src/b.hpp` | planned |", "docs/SEEDS.md:4: Alpha: the row points to src/b.hpp"),
                ("| `Alpha` | `src/a.hpp#two` | planned |", "has no two"),
                ("| `Alpha` | | planned |", "neither"),
                ("| `Alpha` | planned | `AlphaTest.fails` |", "names the test AlphaTest.fails"),
                ("| `Alpha` | planned | yes |", "neither"),
                ("| `Alpha` | planned | `ConfigRandom.Reads` |", "a round trip"),
                ("| `Gamma` | planned | planned |", "Gamma is no name"),
                ("", "no row for Alpha in"),
                ("| `Alpha` `beta` | planned | planned |", "beta has 2 rows")):
            self.document(row, self.FIELDS, self.BETA)
            self.assert_finding("seeds.py", expected)


class Snippets(CheckTest):
    def setUp(self):
        super().setUp()
        (self.top / "build" / "bin").mkdir(parents=True)
        self.options = ["--build", str(self.top / "build")]

    def test_blocks_run_in_one_folder(self):
        self.write("a.md", "<!-- test: a file: b/c.txt -->\n```text\nhello\n```\n<!-- test: a -->\n```sh\n"
                           "cp b/c.txt d\n```\n<!-- test: a file: d -->\n```text\nworld\n```\n"
                           "<!-- test: a -->\n```sh\ntest \"$(echo $(cat d))\" = 'hello world' -a -d build/bin\n```\n")
        self.assert_clean("snippets.py", *self.options)

    def test_a_failing_line_is_shown(self):
        self.write("a.md", "a\n<!-- test: a -->\n```sh\necho before\nfalse\necho after\n```\n")
        self.assert_finding("snippets.py", "a.md:2: a ended with 1\nbefore\n", *self.options)

    def test_marks(self):
        self.write("a.md", "<!-- test: a -->\nno block\n")
        self.assert_finding("snippets.py", "a.md:1: this mark is misspelt", *self.options)
        self.write("a.md", "<!-- test: a needs: guest -->\n```sh\nfalse\n```\n")
        self.assertEqual(self.run_check("snippets.py", *self.options)[0], 77)
        self.assert_finding("snippets.py", "a ended with 1", "--needs", "guest", *self.options)


if __name__ == "__main__":
    unittest.main()
