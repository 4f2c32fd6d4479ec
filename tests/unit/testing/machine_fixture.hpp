// SPDX-License-Identifier: Apache-2.0
// The fake QEMU's machine, without its sockets.
#pragma once
#include "testing/qemu/machine.hpp"
#include "testing/qemu/refusal.hpp"
#include "visor/core/json.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace visor::testing {

class MachineTest : public ::testing::Test {
 protected:
  /// A machine of this command line, instead of the present one.
  void boot(const std::vector<std::string>& arguments, std::string_view profile = "7.2") {
    machine_.reset();
    line_ = parse_command_line(arguments);
    machine_ = std::make_unique<Machine>(line_, *find_profile(profile), [this](const auto& name, const Value& data) {
      events_ += name + (data.is_null() ? "" : " " + to_json(data)) + "\n";
    });
  }
  /// What a command returns as JSON, or "CLASS: TEXT" of its refusal.
  std::string ask(const std::string& command, const std::string& arguments = {}, Obedience how = Obedience::full) {
    try {
      auto answer = to_json(machine_->execute(command, arguments.empty() ? Value{} : parse_json(arguments), how));
      before_ = std::exchange(events_, {});
      machine_->finish();
      return answer;
    } catch (const Refusal& refusal) {
      return refusal.error_class == "GenericError" ? refusal.text : refusal.error_class + ": " + refusal.text;
    }
  }
  /// The events that came before the last answer, and those after it, each a line.
  [[nodiscard]] const std::string& before() const { return before_; }
  std::string after() { return std::exchange(events_, {}); }
  [[nodiscard]] Machine& machine() const { return *machine_; }

 private:
  CommandLine line_;
  std::unique_ptr<Machine> machine_;
  std::string events_;
  std::string before_;
};

}  // namespace visor::testing
