// SPDX-License-Identifier: Apache-2.0
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

#include <charconv>
#include <system_error>

namespace visor::sdk::qmp {
namespace {

constexpr std::size_t max_unix_path = 107;  // sockaddr_un, without the NUL at its end

[[noreturn]] void refuse(const std::string& why) { throw Error(Errc::invalid_config, why); }

/// Control characters have no place in any address; a NUL would cut it off.
void check_text(std::string_view what, const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) refuse(std::string{what} + " has a control character");
  }
}

bool starts(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

MigrationUri parse_tcp(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) refuse("A migration over tcp needs a port: tcp:<host>:<port>");
  auto host = address.substr(0, colon);
  const auto number = address.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (error != std::errc{} || end != number.data() + number.size()) {
    refuse("The port of a migration must be a number up to 65535, not '" + std::string{number} + "'");
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return MigrationUri::tcp(std::string{host}, port);
}

}  // namespace

MigrationUri MigrationUri::unix_socket(const std::string& path) {
  check_text("The path of a migration's socket", path);
  if (path.empty() || path.front() != '/')
    refuse("The path of a migration's socket must be absolute, not '" + path + "'");
  if (path.size() > max_unix_path) refuse("The path of a migration's socket exceeds 107 bytes: " + path);
  return MigrationUri{"unix:" + path};
}

MigrationUri MigrationUri::tcp(const std::string& host, std::uint16_t port) {
  check_text("The host of a migration", host);
  // A comma would begin options of the socket.
  if (host.find_first_of(",[]/ ") != std::string::npos) refuse("'" + host + "' is no host to migrate to");
  const bool ipv6 = host.find(':') != std::string::npos;
  return MigrationUri{"tcp:" + (ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port)};
}

MigrationUri MigrationUri::fd(const std::string& name) {
  check_text("The name of a migration's descriptor", name);
  // What begins with a digit would be taken for a number in QEMU's process.
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) {
    refuse("'" + name + "' is no name of a descriptor: it must not be empty or begin with a digit");
  }
  return MigrationUri{"fd:" + name};
}

MigrationUri MigrationUri::parse(std::string_view text) {
  if (starts(text, "unix:")) return unix_socket(std::string{text.substr(5)});
  if (starts(text, "tcp:")) return parse_tcp(text.substr(4));
  if (starts(text, "fd:")) return fd(std::string{text.substr(3)});
  if (starts(text, "exec:")) refuse("exec: would run text in a shell: migrate to a descriptor instead (fd:)");
  refuse("'" + std::string{text} + "' is no place to migrate to: it must begin with unix:, tcp: or fd:");
}

}  // namespace visor::sdk::qmp
