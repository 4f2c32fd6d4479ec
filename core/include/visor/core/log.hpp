// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <cstdint>
#include <string_view>

namespace visor {

/// error: something that was asked for failed. warning: it works, but not as one would expect. info: the milestones of
/// a VM's life. debug: decisions. trace: every message exchanged.
enum class LogLevel : std::uint8_t { trace, debug, info, warning, error, off };

/// Where plugins and the SDK write to. The host gives one; they never open one themselves. [any thread]
class VISOR_CORE_EXPORT LogSink {
 public:
  virtual ~LogSink();
  [[nodiscard]] virtual bool enabled(LogLevel level) const noexcept = 0;
  /// vm is the VM's id, or empty. The text is one line; control characters of guests are escaped by the writer.
  virtual void write(LogLevel level, std::string_view vm, std::string_view text) noexcept = 0;
};

}  // namespace visor
