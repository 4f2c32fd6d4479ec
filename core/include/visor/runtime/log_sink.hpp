// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/log.hpp"
#include "visor/runtime/export.h"

#include <memory>
#include <string>
#include <string_view>

namespace visor {

/// A sink that writes lines of `level` and above to stderr, with the local time. Each text goes through printable().
/// A write that fails is lost silently. [any thread]
VISOR_RUNTIME_EXPORT std::shared_ptr<LogSink> make_stderr_log(LogLevel level);

/// One line that a terminal shows and does not act on: control characters become "\x1b" and the like, UTF-8 stays.
VISOR_RUNTIME_EXPORT std::string printable(std::string_view text);

/// "trace", "debug", "info", "warning", "error" or "off".
VISOR_RUNTIME_EXPORT std::string_view to_string(LogLevel level) noexcept;
/// The reverse. Throws invalid_config naming these.
VISOR_RUNTIME_EXPORT LogLevel log_level_from_string(std::string_view name);

}  // namespace visor
