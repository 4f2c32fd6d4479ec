// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "backends.hpp"
#include "command_line.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/value.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace visor::testing {

/// The state of a machine on its way through a descriptor. It is one line of text that says the size of the memory,
/// the capabilities that both sides must have, and the run state.
class Migration {
 public:
  using Emit = std::function<void(const std::string& name, const Value& data)>;

  Migration(const CommandLine& line, Backends& backends, Emit emit);

  [[nodiscard]] Value query() const;
  [[nodiscard]] Value capabilities() const;
  void set_capabilities(const Value& arguments);
  [[nodiscard]] Value parameters() const { return parameters_; }
  void set_parameters(const Value& arguments);

  /// Sends the state of a machine in this run state. With `stalls` it begins and comes to no end by itself.
  /// True when all has gone.
  bool send(const Value& arguments, const std::string& run_state, bool stalls);
  void cancel(const Value& arguments);
  /// Takes note of where the state comes from; load() reads it.
  void receive(const Value& arguments);
  [[nodiscard]] bool arrives() const noexcept { return static_cast<bool>(source_); }
  /// The run state that came. Empty, and QEMU's word on stderr, when it cannot be loaded. [blocks]
  std::string load();

 private:
  UniqueFd take(const Value& arguments);
  [[nodiscard]] std::string head() const;
  void tell(const std::string& status);

  const CommandLine& line_;
  Backends& backends_;
  Emit emit_;
  std::string status_;
  std::map<std::string, bool, std::less<>> capabilities_;
  Value parameters_;
  UniqueFd source_;
  UniqueFd stalled_;
};

}  // namespace visor::testing
