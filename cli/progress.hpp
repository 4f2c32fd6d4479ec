// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "output.hpp"
#include "visor/core/call.hpp"

#include <chrono>
#include <string>

namespace visor::cli {

/// Tells the stages of a start with the time since it began.
class Progress final : public ProgressSink {
 public:
  explicit Progress(Output out) : out_{out} {}
  void progress(std::string_view stage, std::uint64_t done, std::uint64_t total) noexcept override;

 private:
  Output out_;
  std::string stage_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace visor::cli
