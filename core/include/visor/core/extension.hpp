// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/export.h"
#include "visor/core/value.hpp"

#include <string_view>

namespace visor {

/// Base of optional interfaces, asked for by a versioned id: vm->extension("visor.qmp/1"). They let features come later
/// without changing an existing vtable; extensions.hpp has those to come. An id that core knows is guarded like
/// everything a plugin returns; for others the library is kept, and what they throw is theirs to document.
class VISOR_CORE_EXPORT Extension {
 public:
  Extension() = default;
  Extension(const Extension&) = delete;
  Extension& operator=(const Extension&) = delete;
  virtual ~Extension();
};

/// "visor.qmp/1": the raw monitor of a QEMU VM. Using it marks nothing, checks nothing and may break the VM.
class VISOR_CORE_EXPORT QmpExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.qmp/1";
  ~QmpExtension() override;
  /// Sends one command and returns its result. [any thread] [blocks until the context's deadline]
  /// Throws hypervisor_error, disconnected, timeout, cancelled.
  virtual Value execute(std::string_view command, const Value& arguments, const CallContext& call) = 0;
};

/// "visor.qmp-stats/1": what the connections of a handle to a QEMU VM's monitor did.
class VISOR_CORE_EXPORT QmpStatsExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.qmp-stats/1";
  ~QmpStatsExtension() override;
  /// Sums over all connections since the handle was made, as a map: `connections`; `counters`, a map of numbers (sent,
  /// replied, errors, timed_out, cancelled, withdrawn, late, events, dropped, bytes_in, bytes_out, …); `latency_us`,
  /// how long answers took: count, total, longest, and `buckets`, a list whose item 0 counts those below 1 µs and
  /// item i those from 2^(i-1) to below 2^i µs. [any thread] Does not block, asks QEMU nothing, and throws nothing.
  virtual Value read() = 0;
};

}  // namespace visor
