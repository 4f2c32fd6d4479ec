// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/export.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace visor::sdk::qmp {

/// How long answers took, counted in buckets whose bounds double. A plain value of a fixed size.
struct VISOR_SDK_EXPORT LatencyHistogram {
  static constexpr std::size_t bucket_count = 32;

  /// [0] below 1 µs, [i] from 2^(i-1) µs to below 2^i µs; the last one has also all above, from 18 minutes on.
  std::array<std::uint64_t, bucket_count> buckets{};
  std::uint64_t count = 0;
  std::uint64_t total_us = 0;
  std::uint64_t longest_us = 0;

  /// A negative latency counts as none.
  void add(std::chrono::nanoseconds latency) noexcept;
  LatencyHistogram& operator+=(const LatencyHistogram& other) noexcept;
  /// A time within which this share (0 to 1) of the answers came: the bound of a bucket or the longest time, whichever
  /// is less. Zero when there was none.
  [[nodiscard]] std::chrono::microseconds quantile(double share) const noexcept;
};

}  // namespace visor::sdk::qmp
