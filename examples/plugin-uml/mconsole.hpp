// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"

#include <string>
#include <string_view>

namespace uml {

/// A client of the management console of a User-Mode Linux: a unix datagram socket that takes one command a datagram
/// and answers with one or more (arch/um/drivers/mconsole.h of Linux). [any thread]
class Mconsole {
 public:
  struct Answer {
    int error = 0;     ///< 0: done; else a negative errno value, or 1
    std::string text;  ///< what it says, at most 64 KiB
  };

  explicit Mconsole(std::string socket_path) : path_{std::move(socket_path)} {}

  /// Sends a command and waits for its answer. [blocks until the context's deadline]
  /// Throws disconnected when nobody listens, timeout, cancelled, io_error, invalid_config for a command too long.
  [[nodiscard]] Answer ask(std::string_view command, const visor::CallContext& call) const;
  /// Sends a command whose answer nobody waits for. Never blocks; false when it cannot be sent now.
  bool tell(std::string_view command) const noexcept;

 private:
  std::string path_;
};

}  // namespace uml
