// SPDX-License-Identifier: Apache-2.0
#include "config_origins.hpp"

#include "visor/core/describe.hpp"

#include <gtest/gtest.h>

namespace visor::cli {
namespace {

constexpr std::string_view file = R"(hypervisor: qemu
memory:
  size: 512MiB
devices:
  - {type: rng, id: r}
  - type: nic
    mac: "02:00:00:00:00:01"
)";

ConfigOrigins origins() {
  ConfigMarks marks;
  (void)load_config_text(file, "vm.yaml", {}, &marks);
  return {"vm.yaml", std::move(marks)};
}

TEST(ConfigOrigins, AreThePlacesOfTheFile) {
  EXPECT_EQ(origins().of("memory"), "vm.yaml:2:1");
  EXPECT_EQ(origins().of("memory.size"), "vm.yaml:3:3");
  EXPECT_EQ(origins().of("devices[0]"), "vm.yaml:5:5");
  EXPECT_EQ(origins().of("devices[1].mac"), "vm.yaml:7:5");
}
TEST(ConfigOrigins, TheDefaultHasNone) {
  EXPECT_EQ(origins().of("memory.slots"), "");
  EXPECT_EQ(origins().of("cpu"), "");
  EXPECT_EQ(origins().of(""), "");
}
TEST(ConfigOrigins, AnOptionCountsMoreThanTheFileAndTheLastOneMost) {
  auto changed = origins();
  changed.add_option("memory.size", "--set memory.size=1GiB");
  changed.add_option("memory.size", "--set memory.size=2GiB");
  changed.add_option("cpu.count", "--set cpu.count=2");
  changed.add_option("devices", "--set devices=[]");
  EXPECT_EQ(changed.of("memory.size"), "--set memory.size=2GiB");
  EXPECT_EQ(changed.of("memory"), "vm.yaml:2:1");
  EXPECT_EQ(changed.of("cpu"), "--set cpu.count=2");
  EXPECT_EQ(changed.of("devices[1].mac"), "--set devices=[]");
}
TEST(ConfigOrigins, StandBeforeEachLineOfAnError) {
  const auto error = origins().with_places({Errc::unsupported,
                                            "devices[1].mac: wrong\ndevices[0].source: not given\n"
                                            "cpu.count: too many\nDevice 'x': what\nmemory: all of it"});
  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_EQ(error.message(),
            "vm.yaml:7:5: devices[1].mac: wrong\nvm.yaml:5:5: devices[0].source: not given\n"
            "cpu.count: too many\nDevice 'x': what\nvm.yaml:2:1: memory: all of it");
}
TEST(ConfigOrigins, KnowWhatIsAField) {
  for (const char* field : {"name", "memory.size", "devices[2]", "devices[2].path"}) {
    EXPECT_TRUE(is_config_field(field)) << field;
  }
  for (const char* other : {"", "each VM has its own", "name of it", "nothing.there", ".name", "[0]"}) {
    EXPECT_FALSE(is_config_field(other)) << other;
  }
}

}  // namespace
}  // namespace visor::cli
