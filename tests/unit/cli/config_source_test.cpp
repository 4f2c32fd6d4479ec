// SPDX-License-Identifier: Apache-2.0
#include "config_source.hpp"

#include "visor/core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace visor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string message_of(std::string_view assignment) {
  try {
    (void)with_override({}, assignment);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_config);
    return error.message();
  }
  return "nothing was thrown";
}

TEST(Override, ReadsEachTypeAsItsFieldSays) {
  EXPECT_EQ(with_override({}, "memory.size=512MiB").memory.size_mib, 512u);
  EXPECT_EQ(with_override({}, "cpu.count=3").cpu.count, 3u);
  EXPECT_TRUE(with_override({}, "debug=true").debug);
  EXPECT_EQ(with_override({}, "name=true").name, "true");
  EXPECT_EQ(with_override({}, "machine.accelerator=tcg").machine.accelerator, Accelerator::tcg);
  EXPECT_EQ(with_override({}, "boot.kernel=/k=v").boot.kernel, "/k=v");
  EXPECT_THAT(with_override({}, "cpu.features=pmu=off").cpu.features, ElementsAre("pmu=off"));
  EXPECT_THAT(with_override({}, R"(cpu.features=["a","b"])").cpu.features, ElementsAre("a", "b"));
  EXPECT_THAT(with_override({}, "boot.kernel_params=quiet nonce=7").boot.kernel_params,
              ElementsAre(Param{"quiet", ""}, Param{"nonce", "7"}));
  const auto devices = with_override({}, R"(devices=[{"type":"rng","id":"r0"}])").devices;
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(device_id(devices.front()), "r0");
}

TEST(Override, KeepsWhatItDoesNotName) {
  VmConfig config;
  config.name = "x";
  config.memory.slots = 4;
  config.memory.size_mib = 100;
  auto expected = config;
  expected.memory.size_mib = 256;
  EXPECT_EQ(with_override(config, "memory.size=256MiB"), expected);
}

TEST(Override, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(message_of("memory.sise=1GiB"), HasSubstr("--set memory.sise: "));
  EXPECT_THAT(message_of("memory.sise=1GiB"), HasSubstr("size"));
  EXPECT_THAT(message_of("memori.size=1GiB"), HasSubstr("memory"));
  EXPECT_THAT(message_of("cpu.count=many"), HasSubstr("cpu.count"));
  EXPECT_THAT(message_of("debug=maybe"), HasSubstr("debug"));
  EXPECT_THAT(message_of("name.first=x"), HasSubstr("name"));
  EXPECT_THAT(message_of("memory"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(message_of("=1"), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(message_of("devices=[{"), HasSubstr("--set devices: "));
  for (const char* inside : {"devices[0].cid=7", "devices.0.cid=7", "cpu.features[1]=pmu=off", "devices[0]={}"}) {
    EXPECT_THAT(message_of(inside), HasSubstr("is a list, which is set as a whole: ")) << inside;
  }
  EXPECT_THAT(message_of(".=x"), HasSubstr("--set .: "));
  EXPECT_THAT(message_of("memory.sise=secret"), ::testing::Not(HasSubstr("secret"))) << "errors are kept";
}

}  // namespace
}  // namespace visor::cli
