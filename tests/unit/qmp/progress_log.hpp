// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk::qmp {

/// Notes what it hears.
class ProgressLog : public ProgressSink {
 public:
  void progress(std::string_view stage, std::uint64_t done, std::uint64_t total) noexcept override {
    lines_.push_back(std::string{stage} + ' ' + std::to_string(done) + '/' + std::to_string(total));
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

/// Cancels a call at the first progress that it reports: by then what it started runs.
class CancelAtProgress : public ProgressSink {
 public:
  explicit CancelAtProgress(CancelSource& source) : source_{source} {}
  void progress(std::string_view, std::uint64_t, std::uint64_t) noexcept override { source_.cancel(); }

 private:
  CancelSource& source_;
};

}  // namespace visor::sdk::qmp
