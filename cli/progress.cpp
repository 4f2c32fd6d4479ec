// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

namespace visor::cli {

void Progress::progress(std::string_view stage, std::uint64_t done, std::uint64_t total) noexcept {
  const auto elapsed = std::chrono::steady_clock::now() - begin_;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  try {
    if (out_.json) {
      out_.event("progress", Value::map({{"stage", stage}, {"done", done}, {"total", total}, {"elapsed_ms", ms}}));
    } else if (stage != stage_) {
      out_.notice(std::string{stage} + " (" + std::to_string(ms) + " ms)");
    }
    stage_ = stage;
  } catch (...) {
    // Progress is never worth a failure.
  }
}

}  // namespace visor::cli
