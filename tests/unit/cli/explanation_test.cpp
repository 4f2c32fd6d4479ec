// SPDX-License-Identifier: Apache-2.0
#include "explanation.hpp"

#include "visor/core/json.hpp"

#include <gtest/gtest.h>

namespace visor::cli {
namespace {

ConfigOrigins origins() { return {"vm.yaml", {{"memory.size", {3, 3}}}}; }

std::vector<CommandPart> parts() {
  return {{"program", {"qemu"}, "arch"},
          {"memory", {"-m", "size=512M"}, "memory.size"},
          {"memory", {"-append", "a b"}, "a rule of the machine"},
          {"devices", {"-device", std::string(60, 'x')}, ""}};
}

TEST(Explanation, IsAlignedBySection) {
  EXPECT_EQ(explanation(parts(), origins()),
            "program:\n"
            "  qemu           arch (default)\n"
            "\n"
            "memory:\n"
            "  -m size=512M   memory.size (vm.yaml:3:3)\n"
            "  -append 'a b'  a rule of the machine\n"
            "\n"
            "devices:\n"
            "  -device " +
                std::string(60, 'x') +
                "\n"
                "                 the plugin does not say why\n");
  EXPECT_EQ(explanation({}, origins()), "");
}
TEST(Explanation, ShowsNoControlCharacters) {
  const auto text = explanation({{"a\x1b", {"b\x1b"}, "c\x1b d"}}, origins());
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}
TEST(Explanation, IsDataToo) {
  const auto value = explanation_value({parts()[0], parts()[1], parts()[2]}, origins());
  EXPECT_EQ(to_json(value),
            R"([{"section":"program","words":["qemu"],"reason":"arch","from":"default"},)"
            R"({"section":"memory","words":["-m","size=512M"],"reason":"memory.size","from":"vm.yaml:3:3"},)"
            R"({"section":"memory","words":["-append","a b"],"reason":"a rule of the machine"}])");
}

}  // namespace
}  // namespace visor::cli
