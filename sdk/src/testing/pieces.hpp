// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace visor::testing {

/// Says how many bytes the next write has. The same seed gives the same sizes, everywhere.
class Pieces {
 public:
  Pieces() = default;
  /// Always as many; 0: all at once.
  explicit Pieces(std::size_t bytes) noexcept : largest_{bytes} {}
  Pieces(std::uint64_t seed, std::size_t largest) noexcept : largest_{largest}, random_{true}, state_{seed} {}

  /// 1 to `left`, which is not 0.
  [[nodiscard]] std::size_t next(std::size_t left) noexcept {
    if (largest_ == 0) return left;
    return std::min(left, random_ ? 1 + static_cast<std::size_t>(random() % largest_) : largest_);
  }

 private:
  // splitmix64 (Steele, Lea and Flood, 2014): the standard's distributions differ between libraries.
  std::uint64_t random() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  std::size_t largest_ = 0;
  bool random_ = false;
  std::uint64_t state_ = 0;
};

}  // namespace visor::testing
