// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/capabilities.hpp"
#include "visor/core/params.hpp"
#include "visor/core/vm.hpp"
#include "visor/core/vm_config.hpp"
#include "visor/core/vm_state.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace visor::conformance {

/// A way in which a guest, or its hypervisor, ends a running VM without stop().
struct Ending {
  std::string name;
  ExitCause cause = ExitCause::unknown;
  /// Changes the configuration of a VM that is to end like this; may be empty.
  std::function<void(VmConfig&)> prepare;
  /// Makes a running VM end; empty when it ends by itself once it runs. Called once, with a guest that may still boot.
  std::function<void(Vm&)> trigger;
};

/// Everything the suite must know about a plugin to put it to the test. The suite itself speaks the interface alone and
/// asks capabilities() what to expect; what is left empty here is skipped, and the test says so.
struct Subject {
  std::string name;                  ///< of the tests: letters, digits and _ only
  std::string plugin;                ///< the plugin's name
  Params options;                    ///< plugin options of the host
  std::filesystem::path plugin_dir;  ///< where the plugin is; empty: the build's own plugin folder
  /// Starts a VM that stays up until it is stopped. No devices, no readiness sign. With cpu.max_count and
  /// memory.max_size_mib above what it boots with when the plugin claims resizing.
  VmConfig config;
  /// Why the tests cannot run here ("no QEMU is installed"); empty: they can. Asked once.
  std::function<std::string()> missing;

  /// The limit of a call that waits for no guest. Generous: only a hang may reach it.
  std::chrono::seconds call_limit{20};
  /// The limit of what the guest must do: boot, answer, power off, let go of a device.
  std::chrono::seconds guest_limit{60};
  /// A time in which nothing is expected to happen, for waits that must time out.
  std::chrono::milliseconds moment{100};

  /// What the guest shows on its console once it runs; empty: console output is not looked at.
  std::string console_text;
  /// Sent to the console, and what then comes back from it; empty: input is not tested.
  std::string console_input;
  std::string console_answer;
  /// console() works on a VM that is over and gives its history.
  bool console_after_end = false;

  /// A device to plug, or none when this feature cannot be tried here. Empty: default_device().
  std::function<std::optional<DeviceConfig>(Feature, const std::string& id, const std::filesystem::path& scratch)>
      device;
  /// Where a disk from the start must be for the guest to let go of it.
  DiskBus removable_bus = DiskBus::automatic;
  /// What memory grows by in the guest.
  std::uint64_t memory_block_mib = 128;
  /// Why no vCPU can be added after one was removed; empty: it can.
  std::string vcpus_stay_away;
  /// Waits until the guest reacts to hotplug; empty: it does at once.
  std::function<void(Vm&, const CallContext&)> await_guest;
  /// The number of disks that certainly do not fit; 0: the limit is not tried.
  unsigned too_many_disks = 0;

  /// Ways to end; the first whose cause makes a VM `failed` serves for the tests that need a failed VM.
  std::vector<Ending> endings;
  /// Adds a sign of readiness that comes once the guest has booted; empty: only its absence is tested.
  std::function<void(VmConfig&)> with_readiness;
  /// A guest that is ready by this sign powers itself off at the power button.
  bool obeys_power_button = false;
  /// As with_readiness, but the sign never comes.
  std::function<void(VmConfig&)> without_readiness;
  /// Makes start() throw.
  std::function<void(VmConfig&)> failing_start;
  /// Makes start() wait for ever.
  std::function<void(VmConfig&)> hanging_start;
  /// Makes the guest refuse to let go of its disks, or never answer.
  std::function<void(VmConfig&)> refusing_unplug;
  std::function<void(VmConfig&)> silent_unplug;
};

std::ostream& operator<<(std::ostream& out, const Subject& subject);

/// The first ending after which the VM is `failed`, or null.
const Ending* failing_end(const Subject& subject);

/// A raw disk (its file is made), a NIC with the user backend, or a serial port; none for what needs the host's help.
std::optional<DeviceConfig> default_device(Feature feature, const std::string& id,
                                           const std::filesystem::path& scratch);
std::optional<DeviceConfig> device_for(const Subject& subject, Feature feature, const std::string& id,
                                       const std::filesystem::path& scratch);

// One function a plugin, each in its own file.
std::vector<Subject> mock_subjects();
std::vector<Subject> qemu_subjects();

/// All of them. Selecting one: --gtest_filter='*/<name>'. In a file of its own (all_subjects.cpp), so that a project
/// which runs the suite for its own plugin has its own.
std::vector<Subject> all_subjects();
const Subject* find_subject(const std::string& name);

}  // namespace visor::conformance
