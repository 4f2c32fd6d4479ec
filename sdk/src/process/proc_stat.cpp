// SPDX-License-Identifier: Apache-2.0
#include "proc_stat.hpp"

#include "message.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <sys/syscall.h>

#include <array>

namespace visor::sdk::wire {

std::string read_small_file(const char* path) {
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file) return text;
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = ::read(file.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::optional<std::uint64_t> read_start_time(pid_t pid) {
  const auto text = read_small_file(("/proc/" + std::to_string(pid) + "/stat").c_str());
  // Field 2, the name in brackets, may itself hold spaces and brackets; field 3 comes after the last one.
  const auto bracket = text.rfind(')');
  if (bracket == std::string::npos || bracket + 2 > text.size()) return std::nullopt;
  auto rest = std::string_view(text).substr(bracket + 2);
  for (int field = 3; field < 22; ++field) take_word(rest);
  return parse_number(take_word(rest));
}

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

int signal_pidfd(int pidfd, int signal) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

}  // namespace visor::sdk::wire
