// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/log.hpp"
#include "visor/core/params.hpp"

#include <chrono>
#include <filesystem>
#include <memory>

namespace visor {

/// The time, replaceable in tests. Deadlines of calls are always of the steady clock; this one stamps events and ages.
class VISOR_CORE_EXPORT Clock {
 public:
  virtual ~Clock();
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() const noexcept = 0;
};

/// What the host hands to a plugin's factory. The plugin copies what it needs.
struct HostContext {
  std::shared_ptr<LogSink> log;       ///< may be null: nothing is logged
  std::shared_ptr<Clock> clock;       ///< may be null: the system's
  std::filesystem::path keeper_path;  ///< the visor-keeper program
  Params options;                     ///< plugin options of the host, by name
  std::shared_ptr<void> library;      ///< keeps the plugin loaded: whatever runs plugin code later holds a copy
};

}  // namespace visor
