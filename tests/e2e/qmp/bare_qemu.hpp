// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

/// What the tests that ask a real QEMU share: a QEMU without guest, plugin and keeper, and a QMP session with it.
namespace visor::test {

/// Long enough for an emulator on a loaded machine; a test passes or fails long before.
inline constexpr std::chrono::milliseconds qemu_limit{60'000};

/// One of QEMU's programs, by its name of the guest architecture ("x86_64"), and the machine that tests use there.
struct QemuTarget {
  std::string name;
  std::string machine = {};       ///< without further arguments it is made with 256 MiB and one vCPU
  std::string transport = "pci";  ///< the suffix of its virtio devices
};

/// The four that the project supports.
const std::vector<QemuTarget>& qemu_targets();
/// How GoogleTest shows one.
void PrintTo(const QemuTarget& target, std::ostream* out);
/// For INSTANTIATE_TEST_SUITE_P.
std::string target_name(const ::testing::TestParamInfo<QemuTarget>& info);
/// Where the target's program is; empty when it is not installed.
std::string qemu_program(const QemuTarget& target);

/// A QEMU process of one target, emulated and paused, and the session with it over a socket pair. It is ended with this
/// object, and by the kernel when the test program dies.
class BareQemu {
 public:
  /// No machine at all: enough for what does not depend on one.
  static std::unique_ptr<BareQemu> without_machine(const QemuTarget& target);
  /// The target's machine with further arguments; "-m" and "-smp" among them replace the usual ones.
  static std::unique_ptr<BareQemu> with_machine(const QemuTarget& target, std::vector<std::string> arguments = {});
  /// The program with just these arguments, paused, with a monitor. Throws visor::Error when there is no session with
  /// it.
  BareQemu(const QemuTarget& target, std::vector<std::string> arguments, sdk::qmp::ClientOptions options = {});
  BareQemu(const BareQemu&) = delete;
  BareQemu& operator=(const BareQemu&) = delete;
  ~BareQemu();

  [[nodiscard]] sdk::qmp::Client& client() { return *client_; }
  [[nodiscard]] int pid() const noexcept { return pid_; }
  /// Stops the process, which then answers nothing, and lets it go on.
  void freeze();
  void thaw();
  /// Waits until the process has ended and returns its wait status; -1 when it did not end in time.
  int wait_end(std::chrono::milliseconds limit = qemu_limit);
  /// What it has written to stderr.
  [[nodiscard]] std::string stderr_text() const;

 private:
  int pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd stderr_;
  int status_ = -1;
  std::unique_ptr<sdk::qmp::Client> client_;
};

/// A folder of a test's own, removed with this object.
class TestFolder {
 public:
  TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

/// Hands a descriptor to QEMU under a name (getfd).
void give_fd(sdk::qmp::Client& client, const std::string& name, int fd);

/// A test that is run on each target whose program is installed.
class EachQemu : public ::testing::TestWithParam<QemuTarget> {
 protected:
  void SetUp() override;
};

}  // namespace visor::test
