// SPDX-License-Identifier: Apache-2.0
// More and less memory and vCPUs.
#include "fixture.hpp"

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Resize);

TEST_P(Resize, VcpusGrowAndShrinkWithinTheirLimits) {
  VISOR_NEEDS(Feature::resize_vcpus);
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  const auto boot = vm->config().cpu.count;
  const auto max = vm->config().cpu.max_count;
  ASSERT_LT(boot, max) << "the subject's configuration leaves no room";
  const auto same = vm->resize_vcpus(boot, quick());
  EXPECT_EQ(same.before, boot);
  EXPECT_EQ(same.after, boot);
  const auto grown = vm->resize_vcpus(max, quick());
  EXPECT_EQ(grown.before, boot);
  EXPECT_EQ(grown.after, max);
  if (claims(Feature::thread_ids)) {
    EXPECT_EQ(vm->thread_ids(quick()).size(), max);
  }
  if (claims(Feature::shrink_vcpus)) {
    const auto shrunk = vm->resize_vcpus(boot + 1, patient());
    EXPECT_EQ(shrunk.before, max);
    EXPECT_EQ(shrunk.after, boot + 1);
  }
}

TEST_P(Resize, VcpusBeyondTheLimitsAreRefused) {
  VISOR_NEEDS(Feature::resize_vcpus);
  const auto vm = started();
  const auto max = vm->config().cpu.max_count;
  const auto before = picture(*vm);
  const auto message = error_of(Errc::exhausted, [&] { vm->resize_vcpus(max + 1, quick()); });
  EXPECT_NE(message.find(std::to_string(max)), std::string::npos) << message;
  EXPECT_THROW(vm->resize_vcpus(0, quick()), Error);
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Resize, RemovedVcpusComeBackUnderNewIds) {
  VISOR_NEEDS(Feature::resize_vcpus);
  VISOR_NEEDS(Feature::shrink_vcpus);
  if (!subject().vcpus_stay_away.empty()) GTEST_SKIP() << subject().vcpus_stay_away;
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  const auto boot = vm->config().cpu.count;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(vm->resize_vcpus(boot + 1, quick()).after, boot + 1);
    EXPECT_EQ(vm->resize_vcpus(boot, patient()).after, boot);
  }
}

TEST_P(Resize, MemoryIsRoundedUpToTheBlockSize) {
  VISOR_NEEDS(Feature::resize_memory);
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  const auto block_mib = subject().memory_block_mib;
  const auto boot = vm->config().memory.size_mib;
  ASSERT_GE(vm->config().memory.max_size_mib, boot + 2 * block_mib) << "the subject's configuration leaves no room";
  const auto same = vm->resize_memory(boot, block_mib, quick());
  EXPECT_EQ(same.requested_mib, boot);
  EXPECT_EQ(same.achieved_mib, boot);
  const auto grown = vm->resize_memory(boot + 1, block_mib, patient());
  EXPECT_EQ(grown.requested_mib, boot + block_mib);
  EXPECT_EQ(grown.achieved_mib, boot + block_mib);
  EXPECT_EQ(vm->resize_memory(boot + block_mib, block_mib, quick()).achieved_mib, boot + block_mib);
}

TEST_P(Resize, MemoryBeyondTheLimitsIsRefused) {
  VISOR_NEEDS(Feature::resize_memory);
  const auto vm = started();
  const auto block_mib = subject().memory_block_mib;
  const auto max = vm->config().memory.max_size_mib;
  const auto before = picture(*vm);
  const auto message = error_of(Errc::exhausted, [&] { vm->resize_memory(max + 1, block_mib, quick()); });
  EXPECT_NE(message.find(std::to_string(max)), std::string::npos) << message;
  error_of(Errc::exhausted, [&] { vm->resize_memory(UINT64_MAX, block_mib, quick()); });
  EXPECT_THROW(vm->resize_memory(vm->config().memory.size_mib - 1, block_mib, quick()), Error);
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Resize, MemoryNeverPassesItsLimitByRounding) {
  VISOR_NEEDS(Feature::resize_memory);
  const auto vm = started();
  const auto max = vm->config().memory.max_size_mib;
  const auto huge_block = max + 1;
  EXPECT_LE(vm->resize_memory(max, huge_block, quick()).achieved_mib, max);
  EXPECT_LE(vm->resize_memory(max, UINT64_MAX, quick()).achieved_mib, max);
}

TEST_P(Resize, MemoryShrinksAgain) {
  VISOR_NEEDS(Feature::resize_memory);
  VISOR_NEEDS(Feature::shrink_memory);
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  const auto block_mib = subject().memory_block_mib;
  const auto boot = vm->config().memory.size_mib;
  // Block by block: what came as one module goes as one.
  for (const std::uint64_t blocks : {1U, 2U, 1U, 0U, 1U}) {
    EXPECT_EQ(vm->resize_memory(boot + blocks * block_mib, block_mib, patient()).achieved_mib,
              boot + blocks * block_mib);
  }
}

}  // namespace
}  // namespace visor::conformance
