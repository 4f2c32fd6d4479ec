// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <exception>
#include <map>
#include <string>
#include <vector>

namespace visor::test {

/// What a QEMU that stands says, asked once: a comparison runs, notes what it has to know, and runs again when all of
/// that was fetched at once. A QEMU on a busy host answers a hundred commands in the time of a few.
class Answers {
 public:
  /// Thrown for what is not known yet.
  struct Unknown : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return "not asked yet"; }
  };

  explicit Answers(sdk::qmp::Client& client) : client_{client} {}

  /// The value; throws Unknown, or what QEMU said against it as visor::Error.
  const Value& ask(const std::string& command, const Value& arguments = {});
  const Value& get(const std::string& path, const std::string& property);
  /// Asks for all that was unknown; false when there was nothing.
  bool fetch();

 private:
  sdk::qmp::Client& client_;
  std::map<std::string, sdk::qmp::Outcome> known_;
  std::map<std::string, sdk::qmp::Command> wanted_;
};

}  // namespace visor::test
