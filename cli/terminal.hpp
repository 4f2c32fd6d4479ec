// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace visor::cli {

/// Keys go to the guest one by one while this object lives; then the terminal is as it was. Does nothing when stdin is
/// no terminal, or one of another job.
class KeyMode {
 public:
  /// keep_interrupt: Ctrl-C still interrupts this program.
  explicit KeyMode(bool keep_interrupt) noexcept;
  KeyMode(const KeyMode&) = delete;
  KeyMode& operator=(const KeyMode&) = delete;
  ~KeyMode();

  [[nodiscard]] bool active() const noexcept { return active_; }

 private:
  bool active_ = false;
};

/// Undoes what a living KeyMode has done, for an end of the program that runs no destructors. [any thread]
void restore_terminal() noexcept;

/// Takes the escape sequences out of what is typed. After Ctrl-]: q or . leaves, c sends Ctrl-C, Ctrl-] sends itself;
/// any other key is sent as if Ctrl-] had not been pressed.
class EscapeFilter {
 public:
  struct Result {
    std::string bytes;  ///< for the guest
    bool leave = false;
  };
  Result feed(std::string_view typed);

 private:
  bool escaped_ = false;
};

}  // namespace visor::cli
