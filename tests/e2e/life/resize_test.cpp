// SPDX-License-Identifier: Apache-2.0
// vCPUs and memory that come and go while a guest runs, in the guest's own words.
#include "life.hpp"
#include "support/error_of.hpp"

#include <cstdlib>

namespace visor::test {
namespace {

class Resize : public LifeTest {
 protected:
  [[nodiscard]] bool grows_by_modules() const { return is("amd64") || is("ppc64le"); }
  [[nodiscard]] bool plugs_vcpus() const { return !is("arm64"); }
  /// What the guest brings online at once.
  [[nodiscard]] std::uint64_t block_mib() const { return is("ppc64le") ? 256 : 128; }

  [[nodiscard]] VmConfig roomy() const {
    auto config = this->config();
    if (plugs_vcpus()) config.cpu.max_count = 3;
    if (!is("s390x")) config.memory.max_size_mib = 1024;
    return config;
  }

  static std::uint64_t memory_mib(Agent& guest) {
    return std::strtoull(guest.ask("awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo").c_str(), nullptr, 10);
  }
  /// The guest has about this much more memory than before; what its kernel keeps for itself is little.
  static void expect_memory(Agent& guest, std::uint64_t before_mib, std::uint64_t more_mib) {
    std::uint64_t now = 0;
    EXPECT_TRUE(eventually([&] {
      now = memory_mib(guest);
      return now + 16 >= before_mib + more_mib && now <= before_mib + more_mib + 16;
    })) << now
        << " MiB, " << before_mib << " before and " << more_mib << " more";
  }
  static void expect_vcpus(Agent& guest, const std::string& count) {
    EXPECT_TRUE(eventually([&] { return guest.ask("nproc") == count; })) << guest.ask("nproc");
  }
};

TEST_P(Resize, GuestUsesMemoryThatComesAndLetsItGo) {
  const auto vm = boot(roomy());
  auto guest = agent();
  if (is("s390x")) {
    const auto error = error_of([&] { (void)vm->resize_memory(512, 0, 5s); });
    EXPECT_EQ(error.code(), Errc::unsupported) << error.message();
    EXPECT_FALSE(vm->capabilities().has(Feature::resize_memory));
    EXPECT_FALSE(vm->capabilities().has(Feature::shrink_memory));
    vm->stop({.force = true}, 20s);
    return;
  }
  const auto before = memory_mib(guest);
  const auto block = block_mib();
  auto result = vm->resize_memory(256 + 1, 0, 30s);
  EXPECT_EQ(result.requested_mib, 256 + block);
  EXPECT_EQ(result.achieved_mib, 256 + block);
  expect_memory(guest, before, block);
  result = vm->resize_memory(256 + 2 * block, 0, 30s);
  EXPECT_EQ(result.achieved_mib, 256 + 2 * block);
  expect_memory(guest, before, 2 * block);
  EXPECT_EQ(error_of([&] { (void)vm->resize_memory(1025, 0, 5s); }).code(), Errc::exhausted);
  const auto modules = vm->record().blob.find("memory_modules")->as_list().size();
  EXPECT_EQ(modules, grows_by_modules() ? 2U : 0U);
  if (grows_by_modules()) {
    // A part of a module stays with the rest of it.
    EXPECT_EQ(vm->resize_memory(256 + block + block / 2, block / 2, 30s).achieved_mib, 256 + 2 * block);
  }
  result = vm->resize_memory(256 + block, 0, 30s);
  EXPECT_EQ(result.achieved_mib, 256 + block);
  expect_memory(guest, before, block);
  EXPECT_EQ(vm->resize_memory(256, 0, 30s).achieved_mib, 256U);
  expect_memory(guest, before, 0);
  EXPECT_TRUE(vm->record().blob.find("memory_modules")->as_list().empty());
  vm->stop({.force = true}, 20s);
}

TEST_P(Resize, GuestUsesVcpusThatCome) {
  const auto vm = boot(roomy());
  auto guest = agent();
  if (!plugs_vcpus()) {
    const auto error = error_of([&] { (void)vm->resize_vcpus(2, 5s); });
    EXPECT_EQ(error.code(), Errc::unsupported) << error.message();
    EXPECT_FALSE(vm->capabilities().has(Feature::resize_vcpus));
    EXPECT_FALSE(vm->capabilities().has(Feature::shrink_vcpus));
    vm->stop({.force = true}, 20s);
    return;
  }
  expect_vcpus(guest, "1");
  auto result = vm->resize_vcpus(3, 30s);
  EXPECT_EQ(result.before, 1U);
  EXPECT_EQ(result.after, 3U);
  expect_vcpus(guest, "3");
  EXPECT_EQ(vm->thread_ids(5s).size(), 3U);
  EXPECT_EQ(error_of([&] { (void)vm->resize_vcpus(4, 5s); }).code(), Errc::exhausted);
  EXPECT_EQ(error_of([&] { (void)vm->resize_vcpus(0, 5s); }).code(), Errc::invalid_config);
  if (is("s390x")) {
    EXPECT_EQ(error_of([&] { (void)vm->resize_vcpus(2, 5s); }).code(), Errc::unsupported);
    EXPECT_FALSE(vm->capabilities().has(Feature::shrink_vcpus));
    vm->stop({.force = true}, 20s);
    return;
  }
  // The last step before the end, in a VM of its own: after a vCPU was removed, QEMU 7.2's emulation (TCG) has a
  // memory listener of it left, and crashes at the next change of the memory map. The driver refuses those.
  result = vm->resize_vcpus(1, 30s);
  EXPECT_EQ(result.before, 3U);
  EXPECT_EQ(result.after, 1U);
  expect_vcpus(guest, "1");
  EXPECT_EQ(vm->thread_ids(5s).size(), 1U);
  EXPECT_EQ(error_of([&] { (void)vm->resize_vcpus(2, 5s); }).code(), Errc::unsupported);
  EXPECT_EQ(error_of([&] { (void)vm->resize_memory(512, 0, 5s); }).code(), Errc::unsupported);
  EXPECT_EQ(vm->status(5s).state, VmState::running);
  vm->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(Resize, "amd64", "arm64", "ppc64le", "s390x");

}  // namespace
}  // namespace visor::test
