// SPDX-License-Identifier: Apache-2.0
// Starts that must fail: one clear error, nothing left, and another try works.
#include "guest.hpp"
#include "visor/core/error.hpp"

#include <fstream>

namespace visor::test {
namespace {

class Start : public QemuTest {
 protected:
  /// The error of creating and starting.
  Error failure(const VmConfig& config, const CallContext& call = 30s) {
    try {
      runtime_->create(config, "vm")->start(call);
    } catch (const Error& error) {
      expect_nothing_left();
      if (runtime_->store().contains("vm")) runtime_->remove("vm", true, 5s);
      return error;
    }
    ADD_FAILURE() << "it started";
    return Error(Errc::internal, "");
  }
  void TearDown() override {
    std::filesystem::remove(run_dir_.string() + "-fake-qemu");
    QemuTest::TearDown();
  }
  static void expect_says(const Error& error, const std::string& code, const std::string& text) {
    EXPECT_EQ(to_string(error.code()), code) << error.what();
    EXPECT_NE(std::string{error.what()}.find(text), std::string::npos) << error.what();
  }
  /// A program that says what it can do, and runs machines as `body` does.
  std::string script(const std::string& body) {
    const auto path = std::filesystem::path{run_dir_.string() + "-fake-qemu"};
    std::ofstream{path} << "#!/bin/sh\ncase \"$*\" in *'-machine none'*) exec qemu-system-x86_64 \"$@\" ;; esac\n"
                        << body << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
  }
};

TEST_F(Start, QemuThatDiesAtOnceIsQuoted) {
  auto bad = config();
  add_param(bad.host.hypervisor_params, "nonsense");
  expect_says(failure(bad), "disconnected", "-nonsense: invalid option");
}

TEST_F(Start, NoProgramNamesThePackage) {
  auto bad = config();
  bad.host.hypervisor_path = "/nonexistent/qemu";
  expect_says(failure(bad), "not_found", "/nonexistent/qemu");
  expect_says(failure(bad), "not_found", "Debian's package qemu-system-x86");
}

TEST_F(Start, SilentQemuEndsAtTheDeadline) {
  auto bad = config();
  bad.host.hypervisor_path = script("exec sleep 600");
  expect_says(failure(bad, 1s), "timeout", "vm");
}

TEST_F(Start, ProgramThatExitsWithoutAWord) {
  auto bad = config();
  bad.host.hypervisor_path = script("exit 3");
  expect_says(failure(bad), "disconnected", "exit code 3");
}

TEST_F(Start, AnotherTryWorks) {
  auto bad = config();
  const auto path = script("exit 3");
  bad.host.hypervisor_path = path;
  const auto vm = runtime_->create(bad, "vm");
  const auto events = vm->events();
  for (int i = 0; i < 10; ++i) {
    EXPECT_THROW(vm->start(30s), Error);
    EXPECT_EQ(to_string(vm->status(1s).state), "created");
  }
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/usr/bin/qemu-system-x86_64", path);
  vm->start(30s);
  EXPECT_EQ(vm->status(5s).state, VmState::running);
  const auto exit = vm->stop({.force = true}, 20s).exit;
  EXPECT_EQ(to_string(exit.cause), "stopped") << exit.text;
  // Whoever subscribed before hears of the VM that started, and of no other.
  std::vector<std::string> states;
  while (const auto event = events->next(5s)) {
    if (event->kind == EventKind::state_changed) states.push_back(event->data.at("state").as_string());
  }
  EXPECT_EQ(states, (std::vector<std::string>{"running", "stopped"}));
}

TEST_F(Start, WhyItFailedIsRemembered) {
  const auto before = std::chrono::system_clock::now() - 1ms;
  auto bad = config();
  bad.host.hypervisor_path = script("echo no such luck >&2; exit 3");
  auto vm = runtime_->create(bad, "vm");
  EXPECT_THROW(vm->start(30s), Error);
  vm.reset();
  EXPECT_EQ(to_string(runtime_->attach("vm", 5s)->status(5s).state), "created");
  runtime_->attach("vm", 5s)->stop({}, 5s);
  vm = runtime_->attach("vm", 5s);
  const auto exit = vm->wait_exit(5s);
  EXPECT_EQ(to_string(exit.cause), "exit_code");
  EXPECT_EQ(exit.code, 3);
  EXPECT_NE(exit.text.find("no such luck"), std::string::npos) << exit.text;
  EXPECT_GE(exit.time, before);
  EXPECT_EQ(to_string(vm->status(5s).state), "failed");
}

TEST_F(Start, MissingKeeper) {
  RuntimeOptions options;
  options.plugin_dirs = {VISOR_TEST_PLUGIN_DIR};
  options.keeper_path = "/nonexistent/visor-keeper";
  options.run_dir = run_dir_;
  Runtime runtime{options};
  const auto vm = runtime.create(config(), "vm");
  try {
    vm->start(5s);
    FAIL() << "it started";
  } catch (const Error& error) {
    expect_says(error, "not_found", "/nonexistent/visor-keeper");
  }
}

TEST_F(Start, UnknownMachineListsThoseThereAre) {
  auto bad = config("q36");
  expect_says(failure(bad), "invalid_config", "q35, pc, microvm");
}

TEST_F(Start, KvmAskedForAndAbsent) {
  if (std::filesystem::exists("/dev/kvm")) GTEST_SKIP() << "this host has /dev/kvm";
  auto bad = config();
  bad.machine.accelerator = Accelerator::kvm;
  expect_says(failure(bad), "unsupported", "/dev/kvm");
}

TEST_F(Start, NoKernelUnreadableKernel) {
  auto bad = config();
  bad.boot.kernel.clear();
  expect_says(failure(bad), "invalid_config", "boot.kernel");
  bad.boot.kernel = "/nonexistent/kernel";
  expect_says(failure(bad), "not_found", "/nonexistent/kernel");
}

TEST_F(Start, ImageAndInitrdBothOrNeither) {
  auto bad = config();
  bad.boot.image = (guest_dir() / "image.ext4").string();
  expect_says(failure(bad), "invalid_config", "image");
  bad.boot.image.clear();
  bad.boot.initrd.clear();
  expect_says(failure(bad), "invalid_config", "image");
}

TEST_F(Start, MoreThanTheHostHas) {
  auto bad = config();
  bad.memory.size_mib = std::uint64_t{1} << 30U;
  expect_says(failure(bad), "invalid_config", "memory");
  bad = config();
  bad.cpu.count = 10'000;
  expect_says(failure(bad), "invalid_config", "cpu");
}

TEST_F(Start, SecondVmOfTheSameId) {
  const auto first = runtime_->create(config(), "vm");
  try {
    (void)runtime_->create(config(), "vm");
    FAIL();
  } catch (const Error& error) {
    expect_says(error, "already_exists", "vm");
  }
}

TEST_F(Start, CancelledStartLeavesNothing) {
  auto bad = config();
  bad.host.hypervisor_path = script("exec sleep 600");
  CancelSource source;
  source.cancel();
  expect_says(failure(bad, CallContext{std::chrono::steady_clock::now() + 30s, source.token()}), "cancelled", "start");
}

TEST_F(Start, WhatTheDriverDoesNotActOnIsRefused) {
  auto bad = config();
  DiskConfig disk;
  disk.path = bad.boot.kernel;
  disk.bus = DiskBus::nvdimm;
  bad.devices.emplace_back(disk);
  expect_says(failure(bad), "unsupported", "nvdimm");
}

}  // namespace
}  // namespace visor::test
