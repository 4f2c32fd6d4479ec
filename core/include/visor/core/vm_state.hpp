// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/value.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// Where a VM is in its life:  undefined -> created -> running <-> paused -> stopped; failed from any after created.
enum class VmState : std::uint8_t {
  undefined,  ///< not made yet, or its making was undone
  created,    ///< configured; no process
  running,    ///< the vCPUs run
  paused,     ///< the vCPUs stand still; a live guest that panicked is here, too
  stopped,    ///< ended as wanted: by stop(), by the guest's power-off, or by a guest reset that was to end it
  failed,     ///< the process is gone after a panic, a signal or a non-zero exit code
};

/// The stable, lower-case name ("running").
VISOR_CORE_EXPORT std::string_view to_string(VmState state) noexcept;
VISOR_CORE_EXPORT VmState vm_state_from_string(std::string_view name);

/// Why a VM ended.
enum class ExitCause : std::uint8_t {
  unknown,         ///< nobody was there to see it; text says why
  stopped,         ///< stop() ended it: the hypervisor was told to quit, or was sent a signal
  guest_shutdown,  ///< the guest powered itself off, also when stop() asked it to
  guest_reset,     ///< the guest asked for a reset and the policy is to stop
  guest_panic,     ///< the guest kernel panicked
  exit_code,       ///< the hypervisor ended by itself with a non-zero code
  signal,          ///< the hypervisor was killed by a signal
};
VISOR_CORE_EXPORT std::string_view to_string(ExitCause cause) noexcept;

/// What is known about a VM's end.
struct ExitRecord {
  ExitCause cause = ExitCause::unknown;
  std::optional<int> code;                     ///< exit code of the hypervisor process, when it exited
  std::optional<int> signal;                   ///< signal that killed it, when one did
  std::string last_event;                      ///< the hypervisor's last event, by its own name
  std::string stderr_tail;                     ///< the last lines of its stderr, bounded
  std::string text;                            ///< one sentence for a person
  std::chrono::system_clock::time_point time;  ///< when it ended
};

/// stopped or failed, as the record says.
VISOR_CORE_EXPORT VmState final_state(const ExitRecord& record) noexcept;

/// A VM as it is now.
struct VmStatus {
  VmState state = VmState::undefined;
  bool responsive = true;       ///< false: the hypervisor lives but did not answer in time
  bool guest_panicked = false;  ///< the guest kernel reported a panic
  std::string detail;           ///< the hypervisor's own word for it ("running", "prelaunch", "guest-panicked")
};

/// The rung of the stop ladder that ended the VM.
enum class StopRung : std::uint8_t { already_stopped, guest, hypervisor, terminate, kill, owner };
VISOR_CORE_EXPORT std::string_view to_string(StopRung rung) noexcept;

/// How stop() goes about it. Each rung gets its time, then the next one is tried; the call's deadline bounds all: what
/// is left of it when only kill remains is used for the kill.
struct StopOptions {
  bool force = false;                                 ///< skip the guest and the hypervisor's own quit: TERM, then KILL
  std::chrono::milliseconds guest_grace{15'000};      ///< after the power button
  std::chrono::milliseconds hypervisor_grace{5'000};  ///< after the hypervisor was told to quit
  std::chrono::milliseconds terminate_grace{3'000};   ///< after SIGTERM
};

struct StopResult {
  StopRung rung = StopRung::already_stopped;
  ExitRecord exit;
};

/// Where the guest finds a device that was plugged.
struct HotplugResult {
  std::string id;
  std::string address_kind;  ///< "pci", "ccw", "scsi", "port", "slot" or "" when there is none
  std::string address;       ///< in the form that the guest shows it
};

enum class UnplugOutcome : std::uint8_t {
  gone,     ///< the guest let go of it; its id and address are free
  refused,  ///< the guest said no; it may be tried again
  pending,  ///< no answer by the deadline; it may still go, an event tells; asking again is legal
};
VISOR_CORE_EXPORT std::string_view to_string(UnplugOutcome outcome) noexcept;

struct MemoryResize {
  std::uint64_t requested_mib = 0;  ///< after rounding up to the block size
  std::uint64_t achieved_mib = 0;   ///< what the guest has now
};

struct VcpuResize {
  std::uint32_t before = 0;
  std::uint32_t after = 0;
};

/// A host thread that runs a vCPU.
struct VcpuThread {
  std::uint32_t index = 0;
  std::int32_t thread_id = 0;
};

}  // namespace visor
