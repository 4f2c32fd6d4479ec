// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/export.h"

#include <string>
#include <vector>

namespace visor {

/// Gathers what is wrong with a configuration, so that all of it is said at once and not one thing a try.
/// A value; one thread at a time.
class VISOR_CORE_EXPORT Problems {
 public:
  Problems();
  Problems(const Problems&);
  Problems(Problems&&) noexcept;
  Problems& operator=(const Problems&);
  Problems& operator=(Problems&&) noexcept;
  ~Problems();

  /// One more: "<field>: <what, and what to do>". What was added already is not added twice.
  void add(Errc code, const std::string& text);
  /// Calls it and adds the Error that it throws, with each line as a problem of its own; false when there was one. A
  /// defect (internal) is no problem of a configuration and is passed on.
  template <class Call>
  bool gather(const Call& call) {
    try {
      call();
      return true;
    } catch (const Error& error) {
      add_lines(error);
      return false;
    }
  }

  [[nodiscard]] bool empty() const noexcept { return texts_.empty(); }
  /// All of them as one Error, a line each. Its code is that of the problems when they have the same, else
  /// invalid_config. Not to be called when there is none.
  [[nodiscard]] Error error() const;
  void throw_if_any() const;

 private:
  void add_lines(const Error& error);

  std::vector<std::string> texts_;
  Errc code_ = Errc::invalid_config;
};

}  // namespace visor
