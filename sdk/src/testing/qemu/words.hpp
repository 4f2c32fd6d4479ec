// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

namespace visor::testing {

/// What -fake asked for.
class Words {
 public:
  /// Throws visor::Error for an action that is none or has no effect at its step, and for a number or a profile that
  /// is none.
  explicit Words(std::map<std::string, std::string> words);

  /// A command has come: an action that is for its first time (once.COMMAND) is the one until the next command.
  void begin(const std::string& command);
  /// The action at a step, now; empty for none.
  [[nodiscard]] std::string action(const std::string& step) const;
  /// The text of "error:TEXT", or a text that names the step.
  [[nodiscard]] std::string refusal(const std::string& step) const;
  /// The value of one of the other words; empty for none.
  [[nodiscard]] std::string value(const std::string& key) const;
  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  /// What is said of a step, at the start or now.
  [[nodiscard]] std::string said_of(const std::string& step) const;

  std::map<std::string, std::string> words_;
  std::string command_;  // whose action was for once
  std::string word_;
  int exit_code_ = 0;
};

}  // namespace visor::testing
