// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace visor::test {

/// Texts that break out of an option where they are joined without care: commas, equals signs, quotes, prefixes of
/// protocols, control characters, UTF-8 and other bytes, very long ones. The same seed makes the same texts on every
/// host.
class HostileText {
 public:
  explicit HostileText(std::uint64_t seed) : random_{seed} {}

  /// Mostly of a few bytes, now and then of 4 KiB, sometimes empty.
  std::string next();
  /// A number below `limit`.
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

 private:
  std::string pieces(std::size_t size);
  std::mt19937_64 random_;
};

/// Something that a file of the host can be called, made of a text: no NUL, no empty name, none that leads upwards, and
/// a '/' where a name would be too long.
std::string file_name_of(const std::string& text);

}  // namespace visor::test
