// SPDX-License-Identifier: Apache-2.0
// Asking a program what it can do, whatever it is: one clear error, in time, and no process left.
#include "qemu/caps/probe_caps.hpp"
#include "support/error_of.hpp"
#include "support/left_over.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::error_of;

constexpr std::chrono::milliseconds limit = 30s;
constexpr std::chrono::milliseconds short_limit = 300ms;  // where nothing but the deadline can end it

class ProbeCaps : public ::testing::Test {
 protected:
  void SetUp() override {
    test::adopt_orphans();
    io_ = IoThread::shared();
    fds_before_ = test::open_fds();
  }
  void TearDown() override {
    (void)reap_left_over();
    EXPECT_EQ(test::left_processes(10s), std::vector<std::string>{});
    EXPECT_EQ(test::open_fds(), fds_before_) << "a descriptor was left open";
  }

  /// A script in QEMU's place.
  std::string script(const std::string& text) {
    std::ofstream{dir_ / "qemu"} << "#!/bin/sh\n" << text << '\n';
    fs::permissions(dir_ / "qemu", fs::perms::owner_all);
    return dir_ / "qemu";
  }
  std::string fake(const std::string& words) { return script("exec " VISOR_TEST_FAKE_QEMU " \"$@\" " + words); }
  static void expect_error(const std::string& binary, const CallContext& call, Errc code, const std::string& text) {
    const auto error = error_of([&] { (void)probe_caps(binary, call); });
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    EXPECT_NE(error.message().find(binary), std::string::npos) << error.what();
    EXPECT_NE(error.message().find(text), std::string::npos) << error.what();
  }

  test::TemporaryFolder folder_;
  const fs::path& dir_ = folder_.path();

 private:
  std::shared_ptr<IoThread> io_;
  std::size_t fds_before_ = 0;
};

TEST_F(ProbeCaps, TellsWhatTheProgramSays) {
  const auto caps = probe_caps(VISOR_TEST_FAKE_QEMU, limit);
  EXPECT_EQ(caps.binary, VISOR_TEST_FAKE_QEMU);
  EXPECT_EQ(caps.version, (QemuVersion{7, 2, 22}));
  ASSERT_NE(caps.machine("q35"), nullptr);
  EXPECT_EQ(*caps.machine("q35"), (QemuMachineCaps{.name = "pc-q35-7.2", .alias = "q35", .max_vcpus = 288}));
  EXPECT_TRUE(std::ranges::is_sorted(caps.devices));
  EXPECT_TRUE(caps.may_have_device("virtio-blk-pci"));
  EXPECT_FALSE(caps.may_have_device("iothread"));
  EXPECT_TRUE(caps.may_have_object("iothread"));
  EXPECT_FALSE(caps.may_have_object("virtio-blk-pci"));
  EXPECT_EQ(caps.features, std::vector<std::string>{"blockdev-add:aio=io_uring"});
  EXPECT_TRUE(caps.properties.contains("virtio-blk-pci"));
}

TEST_F(ProbeCaps, ANewReleaseSaysSo) {
  const auto caps = probe_caps(fake("-fake profile=9.2"), limit);
  EXPECT_EQ(caps.version, (QemuVersion{9, 2, 0}));
  EXPECT_FALSE(caps.verified());
}

TEST_F(ProbeCaps, ThereMustBeAProgram) {
  expect_error((dir_ / "none").string(), limit, Errc::not_found, "No such file");
  std::ofstream{dir_ / "text"} << "no program";
  expect_error((dir_ / "text").string(), limit, Errc::permission_denied, "Permission denied");
  expect_error(dir_.string(), limit, Errc::permission_denied, "Permission denied");
}

TEST_F(ProbeCaps, AProgramThatIsNoQemuIsNamed) {
  expect_error("/bin/true", limit, Errc::disconnected,
               "it ended with exit code 0 before it had answered; is it a QEMU?");
  expect_error("/bin/cat", limit, Errc::disconnected, "exit code 1 before it had answered");
}

TEST_F(ProbeCaps, AProgramThatDiesIsQuoted) {
  expect_error(script("echo no such library >&2; exit 127"), limit, Errc::disconnected,
               "it ended with exit code 127 before it had answered: no such library");
  expect_error(script("kill -ABRT $$"), limit, Errc::disconnected, "signal 6");
  expect_error(fake("-fake greeting=exit -fake exit-code=3 -fake stderr=oops"), limit, Errc::disconnected,
               "exit code 3 before it had answered: oops");
  expect_error(fake("-fake query-machines=exit -fake exit-code=4"), limit, Errc::disconnected, "exit code 4");
}

TEST_F(ProbeCaps, AProgramThatHangsIsEndedAtTheDeadline) {
  expect_error(script("echo still thinking >&2; exec sleep 1000"), short_limit, Errc::timeout, "still thinking");
  expect_error(script("trap '' TERM; while :; do sleep 1 >&- 2>&- & wait; done"), short_limit, Errc::timeout,
               "SIGKILL");
  expect_error(fake("-fake greeting=silence"), short_limit, Errc::timeout, "over its deadline");
  expect_error(fake("-fake qom-list-types=hang"), short_limit, Errc::timeout, "over its deadline");
}

TEST_F(ProbeCaps, WhatAScriptStartsEndsWithIt) {
  expect_error(script("sleep 600 >&- 2>&- & wait"), short_limit, Errc::timeout, "over its deadline");
  expect_error(script("sleep 600 >&- 2>&- & exit 3"), limit, Errc::disconnected, "exit code 3");
}

TEST_F(ProbeCaps, AProgramThatDoesNotQuitIsEnded) {
  EXPECT_TRUE(probe_caps(fake("-fake quit=ignore"), limit).may_have_device("pvpanic"));
  EXPECT_TRUE(probe_caps(fake("-fake quit=hang"), limit).may_have_device("pvpanic"));
}

TEST_F(ProbeCaps, GarbageIsRefused) {
  expect_error(fake("-fake greeting=garbage"), limit, Errc::disconnected, "Cannot find out what the QEMU");
  expect_error(fake("-fake query-version=garbage"), limit, Errc::disconnected, "Cannot find out what the QEMU");
  expect_error(fake("-fake query-machines=error:no"), limit, Errc::hypervisor_error, "no");
  expect_error(fake("-fake query-version=close"), limit, Errc::disconnected, "Cannot find out what the QEMU");
}

TEST_F(ProbeCaps, ACallThatIsCancelledEndsIt) {
  const auto binary = fake("-fake qom-list-types=silence");
  CancelSource cancel;
  struct Sink final : ProgressSink {
    explicit Sink(CancelSource& source) : source_{source} {}
    void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
      if (stage == "probe") source_.cancel();
    }
    CancelSource& source_;
  } sink{cancel};
  expect_error(binary, {std::chrono::steady_clock::now() + limit, cancel.token(), &sink}, Errc::cancelled, "ancelled");
}

TEST_F(ProbeCaps, TheIoThreadIsRefused) {
  std::optional<Error> error;
  IoThread::shared()->run_and_wait([&] { error = error_of([&] { (void)probe_caps(VISOR_TEST_FAKE_QEMU, limit); }); });
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(error->code()), "wrong_thread");
}

}  // namespace
}  // namespace visor::sdk
