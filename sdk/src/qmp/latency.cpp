// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/latency.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace visor::sdk::qmp {

void LatencyHistogram::add(std::chrono::nanoseconds latency) noexcept {
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(whole, 0));
  ++buckets[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(us)), bucket_count - 1)];
  ++count;
  total_us += us;
  longest_us = std::max(longest_us, us);
}

LatencyHistogram& LatencyHistogram::operator+=(const LatencyHistogram& other) noexcept {
  for (std::size_t i = 0; i < bucket_count; ++i) buckets[i] += other.buckets[i];
  count += other.count;
  total_us += other.total_us;
  longest_us = std::max(longest_us, other.longest_us);
  return *this;
}

std::chrono::microseconds LatencyHistogram::quantile(double share) const noexcept {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i + 1 < bucket_count; ++i) {
    seen += buckets[i];
    if (seen >= wanted) return std::chrono::microseconds{std::min(longest_us, std::uint64_t{1} << i)};
  }
  return std::chrono::microseconds{longest_us};
}

}  // namespace visor::sdk::qmp
