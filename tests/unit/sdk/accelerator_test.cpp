// SPDX-License-Identifier: Apache-2.0
// Which accelerator a VM gets when nobody asks for one, on hosts whose KVM works, does not, or only seems to. A script
// is QEMU: it notes what it is asked for.
#include "qemu-amd64/amd64_arch.hpp"
#include "qemu/qemu_vm.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

class Log final : public LogSink {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level >= LogLevel::warning; }
  void write(LogLevel, std::string_view vm, std::string_view text) noexcept override {
    const std::scoped_lock lock{mutex_};
    lines_.push_back(std::string{vm} + ": " + std::string{text});
  }
  std::vector<std::string> lines() {
    const std::scoped_lock lock{mutex_};
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// What QEMU does for each accelerator.
constexpr const char* works = "exec " VISOR_TEST_FAKE_QEMU " \"$@\"";
constexpr const char* msr_dies = "echo 'failed to set MSR 0x10a' >&2; kill -ABRT $$";
constexpr const char* option_dies = "echo 'no such option' >&2; exit 1";

class AcceleratorChoice : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(dir_ / "vm");
    for (const auto* file : {"kernel", "initrd"}) std::ofstream{dir_ / file} << file;
    facts_ = {.arch = "amd64", .memory_mib = 8192, .cpus = 2, .kvm = true};
    config_.cpu.count = 1;
    config_.memory.size_mib = 256;
    config_.boot.kernel = dir_ / "kernel";
    config_.boot.initrd = dir_ / "initrd";
    config_.host.hypervisor_path = dir_ / "qemu";
  }
  void TearDown() override {
    if (vm_) vm_->stop({.force = true}, 30s);
    vm_.reset();
  }

  QemuVm& make(const std::string& with_kvm, const std::string& without) {
    std::ofstream{dir_ / "qemu"} << "#!/bin/sh\ncase \"$*\" in\n*accel=kvm*) echo kvm >>" << dir_ / "tries" << "; "
                                 << with_kvm << ";;\n*) echo tcg >>" << dir_ / "tries" << "; " << without
                                 << ";;\nesac\n";
    std::filesystem::permissions(dir_ / "qemu", std::filesystem::perms::owner_all);
    HostContext host;
    host.log = log_;
    host.keeper_path = VISOR_TEST_KEEPER;
    const auto driver = std::make_shared<const Driver>(Driver{.host = host,
                                                              .arch = std::make_unique<amd64::Amd64Arch>(),
                                                              .facts = [facts = facts_] { return facts; },
                                                              .caps_source = &caps_source_});
    vm_ =
        std::make_unique<QemuVm>(driver, Prepared{*driver, config_, caps_of(*driver, config_, 30s)}, "vm", dir_ / "vm");
    return *vm_;
  }
  std::string failure() {
    try {
      vm_->start(30s);
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.code()), "disconnected");
      return error.message();
    }
    return "it started";
  }
  std::string tries() { return read_file(dir_ / "tries"); }
  std::string accelerator() { return vm_->record().blob.at("accelerator").as_string(); }
  static void expect_mentions(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path& dir_ = folder_.path();
  CapsSource caps_source_{[](const std::string&, const CallContext&) { return default_qemu_caps(); }};
  HostFacts facts_;
  VmConfig config_;
  std::shared_ptr<Log> log_ = std::make_shared<Log>();
  std::unique_ptr<QemuVm> vm_;
};

TEST_F(AcceleratorChoice, KvmThatWorksIsTakenWithoutAWord) {
  make(works, works).start(30s);
  EXPECT_EQ(tries(), "kvm\n");
  EXPECT_EQ(accelerator(), "kvm");
  EXPECT_TRUE(log_->lines().empty());
}

TEST_F(AcceleratorChoice, KvmThatKillsQemuIsGivenUpWithItsWords) {
  const auto events = make(msr_dies, works).events();
  vm_->start(30s);
  EXPECT_EQ(tries(), "kvm\ntcg\n");
  EXPECT_EQ(accelerator(), "tcg");
  EXPECT_EQ(vm_->config().machine.accelerator, Accelerator::automatic);
  ASSERT_EQ(log_->lines().size(), 1U);
  EXPECT_EQ(
      log_->lines()[0],
      "vm: The guest is emulated (TCG), which is slower, because KVM is not usable here: QEMU ended with signal 6: "
      "failed to set MSR 0x10a");
  while (const auto event = events->try_next()) {
    EXPECT_NE(event->kind, EventKind::exited) << "nobody hears of the first try";
  }
  vm_->stop({.force = true}, 30s);
  int ends = 0;
  while (const auto event = events->next(0ms)) ends += event->kind == EventKind::exited ? 1 : 0;
  EXPECT_EQ(ends, 1) << "the queue was closed too early";
}

TEST_F(AcceleratorChoice, KvmThatWasAskedForIsNeverGivenUp) {
  config_.machine.accelerator = Accelerator::kvm;
  make(msr_dies, works);
  EXPECT_EQ(failure(), "Cannot start VM 'vm': QEMU ended with signal 6: failed to set MSR 0x10a");
  EXPECT_EQ(tries(), "kvm\n");
  EXPECT_EQ(vm_->status(1s).state, VmState::created);
}

TEST_F(AcceleratorChoice, AFaultOfAnotherKindIsToldAndTheNextStartTriesKvmAgain) {
  make(option_dies, option_dies);
  expect_mentions(failure(), "no such option");
  EXPECT_EQ(tries(), "kvm\ntcg\n");
  expect_mentions(failure(), "no such option");
  EXPECT_EQ(tries(), "kvm\ntcg\nkvm\ntcg\n");
  EXPECT_TRUE(log_->lines().empty()) << log_->lines()[0];
}

TEST_F(AcceleratorChoice, WhatNeedsKvmFailsWithBothReasons) {
  config_.cpu.model = "host";
  make(msr_dies, works);
  const auto error = failure();
  expect_mentions(error, "failed to set MSR 0x10a");
  expect_mentions(error, "'host' needs KVM");
  EXPECT_EQ(tries(), "kvm\n");
}

TEST_F(AcceleratorChoice, WithoutKvmTheNoticeSaysWhy) {
  facts_.kvm = false;
  facts_.kvm_reason = "/dev/kvm does not exist";
  make(works, works).start(30s);
  EXPECT_EQ(tries(), "tcg\n");
  ASSERT_EQ(log_->lines().size(), 1U);
  expect_mentions(log_->lines()[0], "KVM is not usable here: /dev/kvm does not exist");
}

TEST_F(AcceleratorChoice, AnotherArchitectureIsEmulated) {
  facts_.arch = "arm64";
  make(works, works).start(30s);
  EXPECT_EQ(tries(), "tcg\n");
  ASSERT_EQ(log_->lines().size(), 1U);
  expect_mentions(log_->lines()[0], "the host is arm64, the guest amd64");
}

TEST_F(AcceleratorChoice, WhoAsksForTcgIsToldNothing) {
  config_.machine.accelerator = Accelerator::tcg;
  make(works, works).start(30s);
  EXPECT_EQ(tries(), "tcg\n");
  EXPECT_TRUE(log_->lines().empty());
}

TEST_F(AcceleratorChoice, KvmAskedForAndAbsentIsRefusedWithTheReason) {
  facts_.kvm = false;
  facts_.kvm_reason = "/dev/kvm does not exist";
  config_.machine.accelerator = Accelerator::kvm;
  try {
    make(works, works);
    FAIL() << "it was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), "unsupported");
    expect_mentions(error.message(), "/dev/kvm does not exist");
  }
}

}  // namespace
}  // namespace visor::sdk
