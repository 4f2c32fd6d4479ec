// SPDX-License-Identifier: Apache-2.0
// VMs of the QEMU driver on the program that stands in for QEMU (sdk/src/testing/fake_qemu.cpp).
#pragma once
#include "support/error_of.hpp"
#include "visor/core/error.hpp"
#include "visor/core/host_context.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/log.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

using test::error_of;

using namespace std::chrono_literals;

/// Long enough for whatever must happen; no test passes or fails by how long something takes.
inline constexpr std::chrono::milliseconds limit = 30s;

/// What the driver logs.
class DriverLog final : public LogSink {
 public:
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view vm, std::string_view text) noexcept override;
  /// Waits until this many lines have this text in them; fails the test when they do not come.
  void expect(std::string_view text, std::size_t times = 1);

 private:
  std::mutex mutex_;
  std::condition_variable written_;
  std::vector<std::string> lines_;
};

/// Every test has a folder of its own, and must leave no process, descriptor or socket behind.
class DriverTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A VM whose QEMU does as these words say (see the fake's own description). Its folder is run_dir().
  std::unique_ptr<Vm> create(const std::vector<std::string>& words = {});
  /// The same, started.
  std::unique_ptr<Vm> start(const std::vector<std::string>& words = {});
  /// The words that every QEMU started from now on gets besides those it was created with.
  void set_words(const std::vector<std::string>& words) const;
  /// From now on VMs are made by a hypervisor of this host; its keeper is filled in.
  void use_host(HostContext host);
  [[nodiscard]] VmConfig config() const;
  [[nodiscard]] std::filesystem::path run_dir() const { return dir_ / "vm"; }
  [[nodiscard]] Hypervisor& hypervisor() const { return *hypervisor_; }
  [[nodiscard]] DriverLog& log() const { return *log_; }

  /// No process and no socket is there.
  void expect_nothing_runs() const;

 private:
  std::filesystem::path dir_;
  std::shared_ptr<DriverLog> log_ = std::make_shared<DriverLog>();
  std::unique_ptr<Hypervisor> hypervisor_;
  std::size_t fds_before_ = 0;
};

}  // namespace visor::sdk
