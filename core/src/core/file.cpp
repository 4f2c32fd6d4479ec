// SPDX-License-Identifier: Apache-2.0
#include "visor/core/file.hpp"

#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace visor {

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw system_error("Cannot open " + path.string(), errno);
  std::string content;
  std::array<char, 16384> buffer{};
  for (;;) {
    const auto size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw system_error("Cannot read " + path.string(), errno);
    if (size == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(size));
    if (content.size() > limit) {
      throw Error(Errc::exhausted, path.string() + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

namespace {

void write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const auto size = ::write(fd, content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw system_error("Cannot write " + path.string(), errno);
    content.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  auto name = path.string() + ".XXXXXX";
  const UniqueFd fd{::mkostemp(name.data(), O_CLOEXEC)};  // mode 0600
  if (!fd) throw system_error("Cannot create a file beside " + path.string(), errno);
  try {
    write_all(fd.get(), content, path);
    if (::rename(name.c_str(), path.c_str()) != 0) throw system_error("Cannot replace " + path.string(), errno);
  } catch (...) {
    ::unlink(name.c_str());
    throw;
  }
}

}  // namespace visor
