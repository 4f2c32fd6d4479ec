// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/log.hpp"
#include "visor/runtime/export.h"

#include <memory>
#include <string_view>

namespace visor {

/// A sink that writes lines of `level` and above to stderr, with the local time. Control characters and bytes that are
/// not printable are escaped. A write that fails is lost silently. [any thread]
VISOR_RUNTIME_EXPORT std::shared_ptr<LogSink> make_stderr_log(LogLevel level);

/// "trace", "debug", "info", "warning", "error" or "off". Throws invalid_config naming these.
VISOR_RUNTIME_EXPORT LogLevel log_level_from_string(std::string_view name);

}  // namespace visor
