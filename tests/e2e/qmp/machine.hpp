// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/place.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

/// A bare QEMU of each architecture with what devices are plugged into.
namespace visor::test {

using namespace std::chrono_literals;
inline constexpr auto plenty = qemu_limit;

/// What the tests have to know of an architecture.
struct Machine {
  std::string name;                    ///< in the names of the tests
  std::string program;                 ///< QEMU's name of the architecture, as QemuTarget::name
  std::vector<std::string> arguments;  ///< a controller `s0`, a serial bus `ser0`
  VirtioTransport transport = VirtioTransport::pci;
  sdk::Place place = {};  ///< free for a device
  bool memory_modules = false;
  bool cpus = false;

  friend void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.name; }
};

/// All of them, or those of which something holds.
std::vector<Machine> machines(bool (*holds)(const Machine&) = nullptr);
inline bool is_amd64(const Machine& machine) { return machine.name == "amd64"; }
/// For INSTANTIATE_TEST_SUITE_P.
inline constexpr auto name_of = [](const auto& info) { return info.param.name; };

/// The error that a function throws.
template <class F>
std::optional<Error> error_of(F&& function) {
  try {
    std::forward<F>(function)();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Runs on one of the machines. Skipped where its QEMU is not installed.
class MachineTest : public ::testing::TestWithParam<Machine> {
 protected:
  void SetUp() override;
  /// Starts QEMU, with these arguments after those of the machine.
  void start(const std::vector<std::string>& more = {});
  /// A file of this size, full of zeroes.
  [[nodiscard]] std::string make_file(const std::string& name, std::uint64_t size_bytes) const;
  /// Whether QEMU has a device, an object of this id, a block node of this name.
  bool has_device(const std::string& id) { return has_child("/machine/peripheral", id); }
  bool has_object(const std::string& id) { return has_child("/objects", id); }
  bool has_node(const std::string& name);
  bool has_child(const std::string& path, const std::string& name);

  TestFolder folder_;
  std::function<void(const Event&)> on_event_;  // set before start()
  std::unique_ptr<BareQemu> qemu_;
  sdk::qmp::Client* client_ = nullptr;  // of qemu_
};

}  // namespace visor::test
