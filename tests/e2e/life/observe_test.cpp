// SPDX-License-Identifier: Apache-2.0
// A guest that lends memory, is counted, and is dumped: one boot for all.
#include "life.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/file.hpp"

#include <elf.h>

#include <array>
#include <cstring>
#include <fstream>

namespace visor::test {
namespace {

class Observe : public LifeTest {
 protected:
  template <class E>
  static std::shared_ptr<E> get(Vm& vm) {
    auto extension = std::dynamic_pointer_cast<E>(vm.extension(E::id));
    EXPECT_NE(extension, nullptr) << E::id;
    return extension;
  }

  [[nodiscard]] VmConfig observed() const {
    auto config = this->config();
    BalloonConfig balloon;
    balloon.id = "bal0";
    config.devices.emplace_back(balloon);
    DiskConfig disk;
    disk.id = "disk0";
    disk.path = files_.file("disk", std::string(1U << 20U, 'x'));
    config.devices.emplace_back(disk);
    return config;
  }

  void expect_balloon(Vm& vm, Agent& guest) {
    const auto balloon = get<BalloonExtension>(vm);
    EXPECT_EQ(balloon->current_mib(5s), 256U);
    (void)guest.ask("modprobe virtio_balloon");
    const auto total = std::stoul(guest.ask("awk '/^MemTotal/ {print $2}' /proc/meminfo"));
    balloon->set_target(192, 5s);
    EXPECT_TRUE(eventually([&] { return balloon->current_mib(5s) == 192; }, 30s)) << balloon->current_mib(5s);
    EXPECT_LT(std::stoul(guest.ask("awk '/^MemTotal/ {print $2}' /proc/meminfo")), total - 60 * 1024);
    balloon->set_target(256, 5s);
    EXPECT_TRUE(eventually([&] { return balloon->current_mib(5s) == 256; }, 30s)) << balloon->current_mib(5s);
    EXPECT_EQ(error_of([&] { balloon->set_target(257, 5s); }).code(), Errc::invalid_config);
  }

  void expect_counters(Vm& vm, Agent& guest) {
    const auto stats = get<StatsExtension>(vm);
    const auto before = stats->read(5s);
    ASSERT_EQ(before.vcpus.size(), 1U);
    const auto disk_of = [](const VmStats& all) {
      for (const auto& disk : all.disks) {
        if (disk.id == "disk0") return disk;
      }
      return DiskStats{};
    };
    EXPECT_EQ(disk_of(before).id, "disk0");
    (void)guest.ask("dd if=/dev/vda of=/dev/null bs=64k; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
    VmStats after;
    EXPECT_TRUE(eventually([&] {
      after = stats->read(5s);
      return after.guest_free_bytes.has_value();
    }));
    EXPECT_GE(disk_of(after).read_bytes, disk_of(before).read_bytes + 512U * 1024U);
    EXPECT_GT(disk_of(after).read_requests, disk_of(before).read_requests);
    EXPECT_EQ(disk_of(after).written_bytes, 0U);
    EXPECT_GT(after.vcpus[0], before.vcpus[0]);
    EXPECT_GT(after.cpu, before.cpu);
    EXPECT_GE(after.cpu, after.vcpus[0]);
    EXPECT_GT(after.resident_bytes.value_or(0), 32U << 20U);
    EXPECT_GT(after.guest_free_bytes.value_or(0), 16U << 20U);
    EXPECT_LT(after.guest_free_bytes.value_or(0), 256U << 20U);
  }

  /// The machine of an ELF file for this architecture.
  [[nodiscard]] std::uint16_t elf_machine() const {
    if (is("amd64")) return EM_X86_64;
    if (is("arm64")) return EM_AARCH64;
    return is("ppc64le") ? EM_PPC64 : EM_S390;
  }

  void expect_dump(Vm& vm, Agent& guest) {
    const auto file = files_.path() / "dump";
    const auto dump = get<DumpExtension>(vm);
    dump->dump(file, DumpFormat::elf, false, 60s);
    EXPECT_EQ(guest.ask("echo alive"), "alive") << "it runs on";
    const auto size = std::filesystem::file_size(file);
    EXPECT_GE(size, 256U << 20U) << "all memory";
    EXPECT_LE(size, 320U << 20U) << "and little else";
    std::array<unsigned char, 20> head{};
    std::ifstream{file, std::ios::binary}.read(reinterpret_cast<char*>(head.data()), head.size());
    EXPECT_EQ(std::memcmp(head.data(), ELFMAG, SELFMAG), 0);
    const bool little = head[EI_DATA] == ELFDATA2LSB;
    // Emulated, QEMU 7.2 takes a little-endian pseries guest for a big-endian one.
    EXPECT_EQ(little, is("amd64") || is("arm64"));
    const auto half = [&](std::size_t at) {
      return static_cast<std::uint16_t>(little ? head[at] | head[at + 1] << 8U : head[at] << 8U | head[at + 1]);
    };
    EXPECT_EQ(half(16), ET_CORE);
    EXPECT_EQ(half(18), elf_machine());
    EXPECT_EQ(error_of([&] { dump->dump(file, DumpFormat::elf, false, 5s); }).code(), Errc::already_exists);
    std::filesystem::remove(file);
  }

  TemporaryFolder files_;
};

TEST_P(Observe, LendsMemoryIsCountedAndDumped) {
  const auto vm = boot(observed());
  for (const auto feature : {Feature::balloon, Feature::dump}) EXPECT_TRUE(vm->capabilities().has(feature));
  auto guest = agent();
  expect_balloon(*vm, guest);
  expect_counters(*vm, guest);
  expect_dump(*vm, guest);
  vm->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(Observe, "amd64", "arm64", "ppc64le", "s390x");

}  // namespace
}  // namespace visor::test
