// SPDX-License-Identifier: Apache-2.0
#include "visor/core/error.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace visor {
namespace {

constexpr std::array<std::string_view, 17> names = {
    "unknown",      "invalid_config",    "not_found",     "incompatible_plugin",
    "unsupported",  "timeout",           "disconnected",  "hypervisor_error",
    "wrong_thread", "cancelled",         "invalid_state", "already_exists",
    "busy",         "permission_denied", "exhausted",     "io_error",
    "internal"};

Errc code_of(int errno_value) noexcept {
  switch (errno_value) {
    case EACCES:
    case EPERM:
      return Errc::permission_denied;
    case ENOENT:
      return Errc::not_found;
    case EEXIST:
      return Errc::already_exists;
    case ENAMETOOLONG:  // nothing is wrong with the host
      return Errc::invalid_config;
    default:
      return Errc::io_error;
  }
}

}  // namespace

std::string_view to_string(Errc code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : names[0];
}

Error::Error(Errc code, std::string message) : code_{code}, message_{std::move(message)} {}
Error::Error(const Error&) = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

const char* Error::what() const noexcept { return message_.c_str(); }
Errc Error::code() const noexcept { return code_; }
const std::string& Error::message() const noexcept { return message_; }

Error system_error(std::string_view what, int errno_value) {
  return Error(code_of(errno_value), std::string{what} + ": " + std::generic_category().message(errno_value));
}

}  // namespace visor
