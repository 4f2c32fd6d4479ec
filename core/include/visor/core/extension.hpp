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
  /// Throws qemu_error, disconnected, timeout, cancelled.
  virtual Value execute(std::string_view command, const Value& arguments, const CallContext& call) = 0;
};

}  // namespace visor
