// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "support/left_over.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/runtime/runtime.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the tests on real guests share: the guest's files, a run folder, the guest's own words, and a count of what is
/// left when it is over.
namespace visor::test {

using namespace std::chrono_literals;

/// Long enough for an emulated guest on a loaded machine; a test passes or fails long before.
inline constexpr std::chrono::milliseconds boot_limit = 90s;

/// What differs between the guests of the architectures.
struct GuestArch {
  std::string_view name;  ///< the plugin is qemu-<name>
  std::string_view machine;
  std::string_view uname;      ///< what the guest calls itself
  std::string_view transport;  ///< of its virtio devices
  std::string_view tty;        ///< of the serial console
  std::string_view option;     ///< of the machine: what makes it start faster, or empty
};
const GuestArch& guest_arch(std::string_view name);

/// The folder with kernel, initrd, early-initrd and images of a guest; empty when it was not built.
std::filesystem::path guest_dir(std::string_view arch = "amd64");

/// A request to the guest's agent and its answer.
struct Answer {
  int status = -1;
  std::string output;
};

/// A connection to the guest's agent.
class Agent {
 public:
  explicit Agent(const std::string& socket);
  Answer run(const std::string& command, const CallContext& call = 60s);
  /// The answer to a request that was sent before.
  Answer answer(const CallContext& call);
  /// The output without its last newline; fails the test when the command failed.
  std::string ask(const std::string& command);

 private:
  std::string read_line(const CallContext& call);
  std::string take(std::size_t size, const CallContext& call);
  UniqueFd socket_;
  std::string buffer_;
};

/// Reads the console until it has printed the guest's JSON line, and returns that.
Value read_report(Vm& vm, const CallContext& call = boot_limit);
/// Reads the console until the text stands there; returns what was read.
std::string read_console_until(Vm& vm, const std::string& text, const CallContext& call = boot_limit);

/// The guest's clock, which is how long its kernel has run.
std::chrono::duration<double> uptime(Agent& guest);
/// Fails the test when a guest's clock counted more than it could while it ran: it ran in a pause, then. A guest that
/// is slow, or is asked late, counts no more than the host.
void expect_ran_at_most(std::chrono::duration<double> counted, std::chrono::duration<double> host);
/// Pauses a guest for a while and asks its own clock whether it stood still.
void expect_pause_freezes(Vm& vm, Agent& guest);

/// Processes whose command line mentions a text, by /proc; zombies have none.
std::vector<int> processes_of(const std::string& text);
/// Whether a process lives; a zombie does not.
bool lives(int pid);
/// Waits until a condition holds; false when the deadline came first.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = 20s);

class QemuTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Whose guests these tests boot.
  [[nodiscard]] virtual const GuestArch& arch() const { return guest_arch("amd64"); }
  /// kernel and initrd, an agent port, a nonce; on this machine type.
  [[nodiscard]] VmConfig config(const std::string& machine) const;
  [[nodiscard]] VmConfig config() const { return config(std::string{arch().machine}); }
  /// Root from an image file through the early initrd.
  [[nodiscard]] VmConfig image_config(const std::string& machine, const std::string& image) const;
  std::unique_ptr<Vm> boot(const VmConfig& config, const std::string& id = "vm");
  [[nodiscard]] std::filesystem::path folder(const std::string& id = "vm") const { return run_dir_ / id; }
  [[nodiscard]] Agent agent(const std::string& id = "vm") const {
    return Agent{(folder(id) / "port-agent.sock").string()};
  }
  /// No child of this process and no socket in its run folder is left, while the VMs' folders are still there: to
  /// remove one would end what still runs.
  void expect_nothing_left() const;

  std::filesystem::path run_dir_;
  std::unique_ptr<Runtime> runtime_;
  std::size_t fds_before_ = 0;
};

}  // namespace visor::test
