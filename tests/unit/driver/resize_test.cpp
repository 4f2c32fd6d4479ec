// SPDX-License-Identifier: Apache-2.0
// vCPUs and memory that come and go, and what is asked of a VM that runs, with a program that stands in for QEMU.
#include "fixture.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/file.hpp"
#include "visor/core/vm_record.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <memory>

namespace visor::sdk {
namespace {

class ResizeTest : public DriverTest {
 protected:
  [[nodiscard]] VmConfig roomy() const {
    auto config = this->config();
    config.cpu.max_count = 4;
    config.memory.size_mib = 256;
    config.memory.max_size_mib = 1024;
    config.memory.slots = 2;
    return config;
  }
  std::unique_ptr<Vm> run(const VmConfig& config) {
    std::filesystem::create_directory(run_dir());
    auto vm = hypervisor().create(config, "vm", run_dir());
    vm->start(limit);
    return vm;
  }
  static std::size_t modules_in(const VmRecord& record) { return record.blob.at("memory_modules").as_list().size(); }
};

TEST_F(ResizeTest, VcpusComeAndGoNewestFirst) {
  const auto vm = run(roomy());
  auto result = vm->resize_vcpus(4, limit);
  EXPECT_EQ(result.before, 2U);
  EXPECT_EQ(result.after, 4U);
  EXPECT_EQ(vm->thread_ids(limit).size(), 4U);
  auto record = read_record(run_dir());
  EXPECT_EQ(record.blob.at("vcpus"), Value{4});
  const auto plugged = record.blob.at("plugged_vcpus").as_list();
  ASSERT_EQ(plugged.size(), 2U);
  EXPECT_EQ(plugged[0].at("id"), Value{"visor-vcpu0"});
  EXPECT_EQ(plugged[0].at("socket-id"), Value{2}) << "the lowest place first";
  EXPECT_EQ(plugged[1].at("id"), Value{"visor-vcpu1"});
  result = vm->resize_vcpus(3, limit);
  EXPECT_EQ(result.after, 3U);
  record = read_record(run_dir());
  EXPECT_EQ(record.blob.at("plugged_vcpus").as_list().size(), 1U);
  EXPECT_EQ(record.blob.at("plugged_vcpus").as_list()[0].at("id"), Value{"visor-vcpu0"}) << "the newest went";
  EXPECT_EQ(vm->config().cpu.count, 2U) << "what it starts with stays what it was";
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, VcpusOutsideTheLimitsAreRefusedByTheFieldThatSaysSo) {
  const auto vm = run(roomy());
  auto error = error_of([&] { (void)vm->resize_vcpus(5, limit); });
  EXPECT_EQ(error.code(), Errc::exhausted);
  EXPECT_NE(error.message().find("cpu.max_count"), std::string::npos) << error.message();
  for (const std::uint32_t target : {0U, 1U}) {
    error = error_of([&] { (void)vm->resize_vcpus(target, limit); });
    EXPECT_EQ(error.code(), Errc::invalid_config);
    EXPECT_NE(error.message().find("cpu.count"), std::string::npos) << error.message();
  }
  EXPECT_EQ(vm->resize_vcpus(2, limit).after, 2U);
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, NothingIsPluggedAfterAVcpuWasRemovedUnderEmulation) {
  const auto vm = run(roomy());
  (void)vm->resize_vcpus(3, limit);
  EXPECT_EQ(vm->resize_vcpus(2, limit).after, 2U);
  for (const auto& error : {error_of([&] { (void)vm->resize_vcpus(3, limit); }),
                            error_of([&] { (void)vm->resize_memory(512, 0, limit); })}) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_NE(error.message().find("a vCPU was removed"), std::string::npos) << error.message();
  }
  vm->disconnect();
  const auto other = hypervisor().attach(read_record(run_dir()), limit);
  EXPECT_EQ(error_of([&] { (void)other->resize_vcpus(3, limit); }).code(), Errc::unsupported) << "who attaches knows";
  other->stop({.force = true}, limit);
}

TEST_F(ResizeTest, AGuestThatKeepsItsVcpuIsNoFailure) {
  auto config = roomy();
  add_param(config.host.hypervisor_params, "fake", "device_del=refuse");
  const auto vm = run(config);
  (void)vm->resize_vcpus(4, limit);
  const auto result = vm->resize_vcpus(2, limit);
  EXPECT_EQ(result.before, 4U);
  EXPECT_EQ(result.after, 4U);
  EXPECT_EQ(vm->resize_memory(512, 0, limit).achieved_mib, 512U) << "nothing was removed";
  EXPECT_EQ(vm->resize_memory(256, 0, limit).achieved_mib, 512U) << "nor is memory";
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, AGuestThatSaysNothingKeepsItsVcpu) {
  auto config = roomy();
  add_param(config.host.hypervisor_params, "fake", "device_del=ignore");
  const auto vm = run(config);
  (void)vm->resize_vcpus(3, limit);
  EXPECT_EQ(vm->resize_vcpus(2, 500ms).after, 3U);
  EXPECT_EQ(read_record(run_dir()).blob.at("vcpus"), Value{3});
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, MemoryComesInModulesAndGoesNewestFirst) {
  const auto vm = run(roomy());
  auto result = vm->resize_memory(257, 0, limit);
  EXPECT_EQ(result.requested_mib, 384U);
  EXPECT_EQ(result.achieved_mib, 384U);
  EXPECT_EQ(modules_in(read_record(run_dir())), 1U);
  EXPECT_EQ(vm->resize_memory(640, 0, limit).achieved_mib, 640U);
  const auto error = error_of([&] { (void)vm->resize_memory(1024, 0, limit); });
  EXPECT_EQ(error.code(), Errc::exhausted);
  EXPECT_NE(error.message().find("all 2 (memory.slots) are taken"), std::string::npos) << error.message();
  result = vm->resize_memory(512, 0, limit);
  EXPECT_EQ(result.requested_mib, 512U);
  EXPECT_EQ(result.achieved_mib, 640U) << "a module goes whole or not";
  EXPECT_EQ(vm->resize_memory(384, 0, limit).achieved_mib, 384U);
  EXPECT_EQ(modules_in(read_record(run_dir())), 1U);
  vm->disconnect();
  const auto other = hypervisor().attach(read_record(run_dir()), limit);
  EXPECT_EQ(other->resize_memory(256, 0, limit).achieved_mib, 256U) << "who attaches goes on";
  EXPECT_EQ(modules_in(read_record(run_dir())), 0U);
  other->stop({.force = true}, limit);
}

TEST_F(ResizeTest, MemoryFollowsVirtioMem) {
  auto config = roomy();
  config.memory.virtio_mem = true;
  config.memory.slots = 0;
  const auto vm = run(config);
  EXPECT_EQ(vm->resize_memory(512, 0, limit).achieved_mib, 512U);
  EXPECT_EQ(read_record(run_dir()).blob.at("virtio_mem_mib"), Value{256});
  EXPECT_EQ(vm->resize_memory(1024, 0, limit).achieved_mib, 1024U);
  EXPECT_EQ(vm->resize_memory(300, 4, limit).achieved_mib, 300U);
  // One that stands still takes nothing: it is asked no more.
  vm->pause(limit);
  const auto error = error_of([&] { (void)vm->resize_memory(1024, 0, 500ms); });
  EXPECT_EQ(error.code(), Errc::timeout) << error.message();
  EXPECT_EQ(read_record(run_dir()).blob.at("virtio_mem_mib"), Value{44});
  EXPECT_EQ(vm->resize_memory(256, 0, 500ms).achieved_mib, 300U) << "what it does not give back stays";
  vm->resume(limit);
  EXPECT_EQ(vm->resize_memory(512, 0, limit).achieved_mib, 512U);
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, WhatCannotBeRecordedIsNotBegun) {
  const auto vm = run(roomy());
  const auto aside = run_dir().string() + ".aside";
  std::filesystem::rename(run_dir(), aside);
  (void)error_of([&] { (void)vm->resize_vcpus(4, limit); });
  (void)error_of([&] { (void)vm->resize_memory(512, 0, limit); });
  std::filesystem::rename(aside, run_dir());
  EXPECT_EQ(vm->thread_ids(limit).size(), 2U);
  EXPECT_EQ(vm->resize_memory(256, 0, limit).achieved_mib, 256U);
  EXPECT_EQ(vm->resize_vcpus(4, limit).after, 4U);
  EXPECT_EQ(vm->resize_memory(512, 0, limit).achieved_mib, 512U);
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, ABalloonIsThereWhereItIsConfigured) {
  const auto bare = run(roomy());
  EXPECT_FALSE(bare->capabilities().has(Feature::balloon));
  EXPECT_EQ(bare->extension(BalloonExtension::id), nullptr);
  bare->stop({.force = true}, limit);
  std::filesystem::remove_all(run_dir());
  auto config = roomy();
  BalloonConfig balloon;
  balloon.id = "bal0";
  config.devices.emplace_back(balloon);
  const auto vm = run(config);
  const auto extension = std::dynamic_pointer_cast<BalloonExtension>(vm->extension(BalloonExtension::id));
  ASSERT_NE(extension, nullptr);
  EXPECT_EQ(extension->current_mib(limit), 256U);
  const auto events = vm->events();
  extension->set_target(200, limit);
  EXPECT_EQ(extension->current_mib(limit), 200U);
  for (const std::uint64_t target : {std::uint64_t{0}, std::uint64_t{257}, UINT64_MAX}) {
    EXPECT_EQ(error_of([&] { extension->set_target(target, limit); }).code(), Errc::invalid_config);
  }
  const auto stats = std::dynamic_pointer_cast<StatsExtension>(vm->extension(StatsExtension::id));
  EXPECT_EQ(stats->read(limit).guest_free_bytes, 4U << 20U);
  vm->stop({.force = true}, limit);
  EXPECT_EQ(error_of([&] { (void)extension->current_mib(limit); }).code(), Errc::invalid_state);
}

TEST_F(ResizeTest, ADumpIsANewFileOfTheCallerAlone) {
  const auto vm = run(roomy());
  const auto extension = std::dynamic_pointer_cast<DumpExtension>(vm->extension(DumpExtension::id));
  ASSERT_NE(extension, nullptr);
  const auto file = run_dir() / "dump";
  extension->dump(file, DumpFormat::elf, false, limit);
  EXPECT_TRUE(
      read_file(file).starts_with("\x7f"
                                  "ELF"));
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(error_of([&] { extension->dump(file, DumpFormat::elf, false, limit); }).code(), Errc::already_exists);
  EXPECT_TRUE(std::filesystem::exists(file)) << "the other one's file stays";
  const auto other = run_dir() / "other";
  auto error = error_of([&] { extension->dump(other, DumpFormat::kdump_snappy, false, limit); });
  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_NE(error.message().find("it can as elf, kdump-zlib"), std::string::npos) << error.message();
  error = error_of([&] { extension->dump(other, DumpFormat::kdump_zlib, true, limit); });
  EXPECT_EQ(error.code(), Errc::invalid_config);
  (void)error_of([&] { extension->dump("/nowhere/dump", DumpFormat::elf, false, limit); });
  EXPECT_FALSE(std::filesystem::exists(other));
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, StatsAreThoseOfItsProcessAndDevices) {
  auto config = roomy();
  DiskConfig disk;
  disk.id = "disk0";
  disk.path = config.boot.kernel;
  disk.read_only = true;
  config.devices.emplace_back(disk);
  const auto vm = run(config);
  const auto observer = hypervisor().attach(vm->record(), limit);
  for (const auto& handle : {vm.get(), observer.get()}) {
    const auto extension = std::dynamic_pointer_cast<StatsExtension>(handle->extension(StatsExtension::id));
    ASSERT_NE(extension, nullptr);
    const auto stats = extension->read(limit);
    EXPECT_EQ(stats.vcpus.size(), 2U);
    EXPECT_GT(stats.resident_bytes.value_or(0), 0U);
    EXPECT_FALSE(stats.guest_free_bytes.has_value());
    ASSERT_EQ(stats.disks.size(), 1U);
    EXPECT_EQ(stats.disks[0].id, "disk0");
    EXPECT_EQ(stats.disks[0].read_bytes, 4096U);
    EXPECT_EQ(stats.disks[0].write_requests, 1U);
    EXPECT_TRUE(stats.nics.empty()) << "QEMU counts none";
  }
  vm->stop({.force = true}, limit);
}

TEST_F(ResizeTest, AnExtensionOutlivesItsHandle) {
  auto vm = run(roomy());
  const auto stats = std::dynamic_pointer_cast<StatsExtension>(vm->extension(StatsExtension::id));
  const auto dump = std::dynamic_pointer_cast<DumpExtension>(vm->extension(DumpExtension::id));
  vm->stop({.force = true}, limit);
  vm.reset();
  EXPECT_EQ(error_of([&] { (void)stats->read(limit); }).code(), Errc::disconnected);
  EXPECT_EQ(error_of([&] { dump->dump(run_dir() / "d", DumpFormat::elf, false, limit); }).code(), Errc::disconnected);
}

}  // namespace
}  // namespace visor::sdk
