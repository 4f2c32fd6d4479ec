// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/export.h"
#include "visor/core/value.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace visor {

/// What an event means, in no hypervisor's own word.
enum class EventKind : std::uint32_t {
  other = 0,       ///< see Event::name
  state_changed,   ///< data.state is the new VmState's name
  guest_panicked,  ///< the guest kernel reported a panic
  guest_reset,     ///< the guest asked for a reset
  guest_shutdown,  ///< the guest powered itself off
  guest_ready,     ///< the configured readiness signal came
  device_removed,  ///< data.device: the guest let go of it
  unplug_refused,  ///< data.device: the guest keeps it
  port_opened,     ///< data.port, data.open: the guest opened or closed a serial port
  exited,          ///< the hypervisor process is gone; Vm::wait_exit() has the record
  resynced,  ///< a new connection; what happened before it may have been missed. data: what it found, if it could;
             ///< data.lost, if any: for so many events there was no room while the connection was made
  responsive_changed,  ///< data.responsive: whether the hypervisor answers; it was silent for some seconds when not
  helper_exited,       ///< data.helper, data.status, data.stderr: a process that serves a device of the VM has ended
};

VISOR_CORE_EXPORT std::string_view to_string(EventKind kind) noexcept;

/// One thing that happened to a VM.
struct Event {
  EventKind kind = EventKind::other;
  std::string name;  ///< the hypervisor's own name ("SHUTDOWN"), or the kind's name where it has none
  Value data;        ///< a map, or null
  std::chrono::system_clock::time_point time;  ///< when the source says it happened
  std::uint64_t sequence = 0;                  ///< counts from 1 in each queue; a gap shows what was dropped
  bool time_known = true;                      ///< false: the source gave no usable time, `time` is that of arrival
};

/// A bounded queue of events between a VM and one subscriber.
///
/// [any thread] The producer never blocks: when the queue is full, by the number of events or by the memory that they
/// take, the oldest are dropped and counted. It lives as long as either side holds it.
class VISOR_CORE_EXPORT EventQueue {
 public:
  static constexpr std::size_t default_capacity = 1024;
  static constexpr std::size_t default_max_bytes = std::size_t{16} << 20U;

  /// For at least one event. `max_bytes` bounds about what the events take in memory, all together; one that is larger
  /// by itself is dropped, and those that wait stay. Throws io_error without a descriptor left.
  explicit EventQueue(std::size_t capacity = default_capacity, std::size_t max_bytes = default_max_bytes);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  ~EventQueue();

  /// The next event. [blocks until the context's deadline] Throws timeout or cancelled. Nothing when the queue was
  /// closed and is empty: no event will come any more.
  std::optional<Event> next(const CallContext& call);
  /// The next event if one waits; never blocks.
  std::optional<Event> try_next();
  /// How many events were lost because the queue was full.
  [[nodiscard]] std::uint64_t dropped() const noexcept;
  /// A descriptor that polls readable while an event waits or the queue is closed. The queue owns it: do not read it.
  [[nodiscard]] int poll_fd() const noexcept;

  /// Producer: sets the sequence number and appends. After close() it does nothing.
  void push(Event event);
  /// Producer: no further events. What waits can still be read.
  void close() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visor
