// SPDX-License-Identifier: Apache-2.0
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace visor {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kib = 1024;
constexpr std::array<Unit, 8> size_units = {{{"KiB", kib},
                                             {"K", kib},
                                             {"MiB", kib* kib},
                                             {"M", kib* kib},
                                             {"GiB", kib* kib* kib},
                                             {"G", kib* kib* kib},
                                             {"TiB", kib* kib* kib* kib},
                                             {"T", kib* kib* kib* kib}}};
constexpr std::array<Unit, 4> time_units = {{{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}}};

/// "<whole number><unit>" as the product of both. `expected` ends the message: "a size such as 512MiB".
template <class Units>
std::uint64_t parse(std::string_view text, const Units& units, std::string_view expected) {
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::invalid_config,
                 "'" + std::string{text} + "' " + std::string{why} + ": expected " + std::string{expected});
  };
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) throw refuse("is too large");
  if (error != std::errc{}) throw refuse("does not start with a whole number");
  const std::string_view suffix{rest, static_cast<std::size_t>(end - rest)};
  if (suffix.empty()) throw refuse("has no unit");
  for (const auto& unit : units) {
    if (unit.name != suffix) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / unit.factor) throw refuse("is too large");
    return number * unit.factor;
  }
  throw refuse("has the unknown unit '" + std::string{suffix} + "'");
}

}  // namespace

std::uint64_t parse_size_bytes(std::string_view text) {
  return parse(text, size_units, "a size such as 4KiB, 512MiB or 2GiB");
}

std::uint64_t parse_size_mib(std::string_view text) {
  constexpr auto mib = kib * kib;
  const auto bytes = parse_size_bytes(text);
  if (bytes % mib != 0) {
    throw Error(Errc::invalid_config, "'" + std::string{text} + "' is not a whole number of MiB");
  }
  return bytes / mib;
}

std::string format_size_mib(std::uint64_t size_mib) {
  if (size_mib != 0 && size_mib % (kib * kib) == 0) return std::to_string(size_mib / (kib * kib)) + "TiB";
  if (size_mib != 0 && size_mib % kib == 0) return std::to_string(size_mib / kib) + "GiB";
  return std::to_string(size_mib) + "MiB";
}

std::uint64_t parse_duration_ms(std::string_view text) {
  return parse(text, time_units, "a duration such as 500ms, 10s, 2m or 1h");
}

}  // namespace visor
