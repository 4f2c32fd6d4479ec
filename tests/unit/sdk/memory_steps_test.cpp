// SPDX-License-Identifier: Apache-2.0
// Sizes of memory as whole steps, at their limits and beyond.
#include "qemu/resize/memory_steps.hpp"
#include "support/error_of.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace visor::sdk {
namespace {

constexpr auto endless = std::numeric_limits<std::uint64_t>::max();
constexpr MemoryRoom room{.boot_mib = 256, .limit_mib = 1000, .pool_mib = 744};

TEST(MemorySteps, RoundsUpToWholeSteps) {
  EXPECT_EQ(memory_to_add(room, 256, 128), 0U);
  EXPECT_EQ(memory_to_add(room, 257, 128), 128U);
  EXPECT_EQ(memory_to_add(room, 384, 128), 128U);
  EXPECT_EQ(memory_to_add(room, 385, 128), 256U);
}

TEST(MemorySteps, NeverPassTheLimitByRounding) {
  EXPECT_EQ(memory_to_add(room, 1000, 128), 640U) << "744 has five whole blocks";
  EXPECT_EQ(memory_to_add(room, 1000, 744), 744U);
  EXPECT_EQ(memory_to_add(room, 1000, 745), 0U);
  EXPECT_EQ(memory_to_add(room, 257, 745), 0U);
  EXPECT_EQ(memory_to_add(room, 1000, endless), 0U);
  const MemoryRoom whole{.boot_mib = 1, .limit_mib = endless, .pool_mib = endless - 1};
  EXPECT_EQ(memory_to_add(whole, endless, 2), endless - 1);
  EXPECT_EQ(memory_to_add(whole, endless, std::uint64_t{1} << 63U), std::uint64_t{1} << 63U);
}

TEST(MemorySteps, AreThoseOfTheGuestAsFarAsQemuTakesThem) {
  EXPECT_EQ(memory_step(0, 128, 1), 128U);
  EXPECT_EQ(memory_step(64, 128, 1), 64U);
  EXPECT_EQ(memory_step(128, 256, 256), 256U) << "pseries takes nothing else";
  EXPECT_EQ(memory_step(257, 256, 256), 512U);
  EXPECT_EQ(memory_step(3, 128, 2), 4U);
  EXPECT_EQ(memory_step(endless, 128, 1), endless);
  EXPECT_EQ(memory_step(endless, 128, 256), endless) << "it is not rounded to nothing";
}

TEST(MemorySteps, OneModuleIsNoMoreThanTheGuestCanDescribe) {
  EXPECT_EQ(module_size(256, 12160, 128), 12160U);
  EXPECT_EQ(module_size(256, 12288, 128), 12288U) << "48 times";
  EXPECT_EQ(module_size(256, 131072, 128), 12288U);
  EXPECT_EQ(module_size(100, 131072, 128), 4736U) << "whole blocks";
  EXPECT_EQ(module_size(1, 131072, 128), 128U) << "one block at least";
}

TEST(MemorySteps, TheRoomIsWhatWasConfigured) {
  MemoryConfig config{.size_mib = 700, .max_size_mib = 4000};
  MemoryTopology topology{.size_mib = 768};
  auto got = memory_room(config, topology);
  EXPECT_EQ(got.boot_mib, 768U);
  EXPECT_EQ(got.limit_mib, 4000U);
  EXPECT_EQ(got.pool_mib, 3232U);
  topology.virtio_mem_mib = 3200;
  EXPECT_EQ(memory_room(config, topology).pool_mib, 3200U);
  config.max_size_mib = 0;
  got = memory_room(config, {.size_mib = 768});
  EXPECT_EQ(got.limit_mib, 768U);
  EXPECT_EQ(got.pool_mib, 0U);
}

TEST(MemorySteps, ATargetOutsideIsRefusedByTheFieldThatSaysSo) {
  const auto refusal = [](std::uint64_t target) {
    return test::error_of([=] { check_memory_target("VM 'a'", room, target); });
  };
  EXPECT_EQ(refusal(1001).code(), Errc::exhausted);
  EXPECT_EQ(refusal(1001).message(), "VM 'a' can have at most 1000 MiB of memory (memory.max_size), not 1001");
  EXPECT_EQ(refusal(endless).code(), Errc::exhausted);
  EXPECT_EQ(refusal(255).code(), Errc::invalid_config);
  EXPECT_NO_THROW(check_memory_target("", room, 256));
  EXPECT_NO_THROW(check_memory_target("", room, 1000));
}

}  // namespace
}  // namespace visor::sdk
