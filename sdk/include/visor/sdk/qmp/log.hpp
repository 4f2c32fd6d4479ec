// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/log.hpp"
#include "visor/sdk/export.h"

#include <memory>
#include <string>
#include <string_view>

namespace visor::sdk::qmp {

/// Where a client writes what it sends and hears. [any thread] Several may call at once.
///
/// At LogLevel::trace come a line for each command as it is queued (number, name, arguments, bytes), one for its end
/// (outcome, latency, bytes), one for each answer that came after that or to nothing that was asked, and one for each
/// event; at debug, that a session is ready or has ended. Nothing is made when enabled() says no. A line is printable
/// ASCII: other bytes are escaped, and what is long is cut. What may be a secret is shown as "***": passwords, keys,
/// the data of secrets, and the answers to questions for them.
class VISOR_SDK_EXPORT QmpLog {
 public:
  virtual ~QmpLog();
  [[nodiscard]] virtual bool enabled(LogLevel level) const noexcept = 0;
  /// One line. It must not block, nor call the client that writes.
  virtual void write(LogLevel level, std::string_view text) noexcept = 0;
};

/// One that writes to a host's log in the name of a VM; null when there is no log.
VISOR_SDK_EXPORT std::shared_ptr<QmpLog> make_qmp_log(std::shared_ptr<LogSink> sink, std::string vm);

}  // namespace visor::sdk::qmp
