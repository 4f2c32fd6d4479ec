// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/process/exit_record.hpp"

#include "record_codec.hpp"
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/process/keeper.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace visor::sdk {

std::string keeper_socket_path(const std::string& run_dir) { return run_dir + "/keeper.sock"; }
std::string console_socket_path(const std::string& run_dir) { return run_dir + "/console.sock"; }
std::string exit_record_path(const std::string& run_dir) { return run_dir + "/exit"; }

std::optional<ExitRecord> read_exit_record(const std::string& run_dir) {
  const auto path = exit_record_path(run_dir);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) throw system_error("Cannot read exit record '" + path + "'", errno);
  std::string text;
  std::array<char, 16 * 1024> buffer;
  ssize_t got = 0;
  while (text.size() <= wire::max_message && (got = ::read(file.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (got < 0) throw system_error("Cannot read exit record '" + path + "'", errno);
  const auto message = wire::Message::parse(text);
  auto record = message ? wire::parse_record(*message) : std::nullopt;
  if (!record) throw Error(Errc::invalid_config, "File '" + path + "' is no exit record of this version");
  return record;
}

}  // namespace visor::sdk
