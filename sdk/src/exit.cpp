// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/exit.hpp"

namespace visor::sdk {
namespace {

constexpr std::size_t excerpt_bytes = 1024;

}  // namespace

visor::ExitRecord unwitnessed_exit() {
  visor::ExitRecord out;
  out.text = "Unknown: the keeper died before the VM did";
  out.time = std::chrono::system_clock::now();
  return out;
}

std::string stderr_excerpt(std::string_view tail) {
  if (tail.size() > excerpt_bytes) tail.remove_prefix(tail.size() - excerpt_bytes);
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == '\r')) tail.remove_suffix(1);
  std::string out;
  for (const char c : tail) {
    constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += " | ";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', hex[byte >> 4U], hex[byte & 15U]};
    } else {
      out += c;
    }
  }
  return out;
}

StopRung rung_of(EndedBy ended_by) noexcept {
  switch (ended_by) {
    case EndedBy::owner:
      return StopRung::owner;
    case EndedBy::term:
      return StopRung::terminate;
    case EndedBy::kill:
      return StopRung::kill;
    case EndedBy::itself:
      return StopRung::already_stopped;
  }
  return StopRung::already_stopped;
}

bool ended_by_guest(ExitCause cause) noexcept {
  return cause == ExitCause::guest_shutdown || cause == ExitCause::guest_reset;
}

}  // namespace visor::sdk
