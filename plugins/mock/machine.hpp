// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "options.hpp"
#include "visor/core/events.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/core/vm_state.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::mock {

using Nanoseconds = std::chrono::nanoseconds;

/// The world as a machine sees it when it is looked at.
struct Now {
  Nanoseconds steady{0};  ///< the monotonic clock, which all processes of one boot share
  std::chrono::system_clock::time_point wall;
  bool rebooted = false;      ///< the host has booted since the machine was made
  bool creator_gone = false;  ///< the process that an ephemeral machine must not outlive has ended
};

enum class EffectKind : std::uint8_t {
  boot,
  ready,
  poweroff,
  reset,
  panic,
  crash,
  error,
  silent,
  unplug_gone,
  unplug_refused
};

/// Something the guest or its hypervisor will do once the vCPUs have run this long.
struct Effect {
  static constexpr Nanoseconds never = Nanoseconds::max();
  EffectKind kind = EffectKind::boot;
  Nanoseconds at{0};
  std::string device;  ///< of the unplug kinds
};

/// An address that a device holds.
struct Slot {
  std::string device;
  std::string kind;  ///< "pci", "port", "slot"; "" where a device has no address
  std::uint32_t number = 0;
};

/// The last bytes that the guest wrote, and what it has not read yet.
struct ConsoleText {
  static constexpr std::size_t capacity = 16384;
  std::uint64_t dropped = 0;  ///< bytes that no longer fit
  std::string text;
  std::string input;  ///< waits for a paused guest
  void append(std::string_view bytes);
};

/// The last events, numbered from 1 for the machine's whole life; every handle hands on those it has not seen.
struct Journal {
  static constexpr std::size_t capacity = 64;
  std::uint64_t next = 1;
  std::deque<Event> entries;  ///< Event::sequence is the number
  void add(EventKind kind, std::chrono::system_clock::time_point time, Value data = {});
};

/// A whole mock VM as plain data. Nothing happens by itself: advance() brings it up to a point in time.
struct Machine {
  VmRecord record;  ///< its blob is written from the other members
  Options options;
  VmState state = VmState::created;
  std::string detail = "prelaunch";
  bool panicked = false;
  bool ready = false;
  bool silent = false;
  std::optional<ExitRecord> exit;
  Nanoseconds ran{0};            ///< how long the vCPUs ran until the last pause
  Nanoseconds running_since{0};  ///< Now::steady of the last start or resume
  std::vector<Effect> effects;
  std::vector<Slot> slots;
  std::vector<std::uint64_t> memory_mib;  ///< what was added, a slot each
  std::vector<std::uint32_t> vcpus;       ///< numbers of those that were added, oldest first
  std::uint32_t next_vcpu = 0;
  std::uint32_t next_device = 0;
  ConsoleText console;
  Journal journal;
  ProcessIdentity creator;  ///< of an ephemeral machine; else pid 0

  [[nodiscard]] bool live() const noexcept { return state == VmState::running || state == VmState::paused; }
  [[nodiscard]] bool ended() const noexcept { return state == VmState::stopped || state == VmState::failed; }
  [[nodiscard]] Nanoseconds guest_time(const Now& now) const noexcept;
  /// When the next effect is due, in Now::steady; Effect::never when none will come by itself.
  [[nodiscard]] Nanoseconds next_due() const noexcept;

  /// Does what is due by now. Returns whether anything changed.
  bool advance(const Now& now);

  void start(bool paused, const Now& now);
  void pause(const Now& now);
  void resume(const Now& now);
  /// The power button: the guest powers off, or pauses when the policy says so.
  void power_off(std::chrono::system_clock::time_point time);
  void end(ExitRecord exit, std::chrono::system_clock::time_point time);
  void write_console(std::string_view bytes);

  // devices.cpp
  [[nodiscard]] bool has_device(std::string_view id) const noexcept;
  HotplugResult add_device(DeviceConfig device);
  void remove_device(std::string_view id);
  /// Asks the guest to let go of a device, unless it was asked already.
  void request_unplug(const std::string& id, const Now& now);
  [[nodiscard]] bool unplug_pending(std::string_view id) const noexcept;
  [[nodiscard]] std::uint32_t vcpu_count() const noexcept;
  VcpuResize resize_vcpus(std::uint32_t target);
  [[nodiscard]] std::uint64_t memory_total_mib() const noexcept;
  MemoryResize resize_memory(std::uint64_t target_mib, std::uint64_t block_mib);

 private:
  void apply(const Effect& effect, std::chrono::system_clock::time_point time);
  void become_ready(std::chrono::system_clock::time_point time);
  void panic(std::chrono::system_clock::time_point time);
  void reset(std::chrono::system_clock::time_point time);
  void set_state(VmState next, std::string word, std::chrono::system_clock::time_point time);
  /// Stops the guest's clock at the given guest time.
  void halt(std::string word, std::chrono::system_clock::time_point time);
};

/// A new machine in state created. The configuration is normalised; its devices take their addresses in order.
Machine make_machine(VmRecord record, Options options);

/// The bus on which a device has its address: "pci", "port", "slot" or "".
std::string_view address_kind(const DeviceConfig& device) noexcept;
/// The feature that plugging and unplugging a device of this type needs; none when it can only be there from the start.
std::optional<Feature> hotplug_feature(const DeviceConfig& device) noexcept;

/// The members beside the record, as the record's blob; and back. Throws invalid_config.
Value machine_blob(const Machine& machine);
Machine machine_from_record(VmRecord record);

}  // namespace visor::mock
