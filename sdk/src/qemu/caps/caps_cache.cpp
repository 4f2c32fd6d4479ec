// SPDX-License-Identifier: Apache-2.0
#include "caps_cache.hpp"

#include "device/fnv.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

namespace visor::sdk {
namespace {

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

/// Only to give each path a short name of its own. The file says which path it is of.
std::string hash_of(std::string_view text) {
  std::array<char, 17> digits{};
  (void)std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(fnv1a(text)));
  return digits.data();
}

bool is_private(const struct stat& facts) { return facts.st_uid == ::geteuid() && (facts.st_mode & 022U) == 0; }

bool is_script(const std::string& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  std::array<char, 2> head{};
  return fd && ::read(fd.get(), head.data(), head.size()) == 2 && head[0] == '#' && head[1] == '!';
}

/// Nothing when there is no file. Throws Error for one that must not be used.
std::optional<std::string> read_private(const std::filesystem::path& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd && errno == ENOENT) return std::nullopt;
  struct stat facts{};
  if (!fd || ::fstat(fd.get(), &facts) != 0) throw system_error("it cannot be read", errno);
  if (!S_ISREG(facts.st_mode) || !is_private(facts)) {
    throw Error(Errc::permission_denied, "it is no file, or others may have written it");
  }
  if (static_cast<std::uint64_t>(facts.st_size) > max_caps_bytes) throw Error(Errc::exhausted, "it is too large");
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  if (::pread(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw Error(Errc::io_error, "it ends too early");
  }
  return text;
}

std::string variable(const char* name) {
  const char* value = ::secure_getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here ever sets it
  return value != nullptr && value[0] == '/' ? value : "";
}

}  // namespace

BinaryIdentity identify_binary(const std::string& path) {
  std::error_code error;
  const auto resolved = std::filesystem::canonical(path, error);
  struct stat facts{};
  if (error || ::stat(resolved.c_str(), &facts) != 0) {
    throw system_error("Cannot find the program " + path, error ? error.value() : errno);
  }
  return {.path = resolved.string(),
          .device = facts.st_dev,
          .inode = facts.st_ino,
          .size = static_cast<std::uint64_t>(facts.st_size),
          .modified_ns = nanoseconds(facts.st_mtim),
          .changed_ns = nanoseconds(facts.st_ctim)};
}

std::filesystem::path default_caps_folder() {
  constexpr auto below = "visorkit/qemu-caps";
  if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return std::filesystem::path{cache} / below;
  if (const auto home = variable("HOME"); !home.empty()) return std::filesystem::path{home} / ".cache" / below;
  return {};
}

std::filesystem::path CapsCache::file_of(const BinaryIdentity& identity) const {
  const auto name = std::filesystem::path{identity.path}.filename().string().substr(0, 64);
  return folder_ / (name + '-' + hash_of(identity.path) + ".json");
}

void CapsCache::tell(LogLevel level, std::string_view text) const noexcept try {
  if (log_) log_(level, text);
} catch (const std::exception&) {
  return;  // a log line less
}

bool CapsCache::folder_is_private() const {
  struct stat facts{};
  return ::lstat(folder_.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && is_private(facts);
}

std::optional<QemuCaps> CapsCache::load(const BinaryIdentity& identity) const noexcept {
  std::string what;
  try {
    if (folder_.empty()) return std::nullopt;
    const auto file = file_of(identity);
    what = file.string() + " is passed over: ";
    const auto text = read_private(file);
    if (!text) return std::nullopt;
    auto cached = caps_from_text(*text);
    if (cached.identity == identity) {
      cached.caps.kept_in = file.string();
      return std::move(cached.caps);
    }
    tell(LogLevel::debug, what + "the program has changed since");
  } catch (const std::exception& error) {
    tell(LogLevel::info, what + error.what());
  }
  return std::nullopt;
}

void CapsCache::save(const CachedCaps& cached) const noexcept try {
  if (folder_.empty() || is_script(cached.identity.path)) return;
  std::error_code error;
  std::filesystem::create_directories(folder_.parent_path(), error);
  (void)::mkdir(folder_.c_str(), 0700);  // there already, or what comes next says why not
  if (!folder_is_private()) {
    return tell(LogLevel::info, "What QEMU can do is not kept: " + folder_.string() +
                                    " cannot be made, or belongs or is open to others");
  }
  write_file_atomically(file_of(cached.identity), caps_to_text(cached));
} catch (const std::exception& error) {
  tell(LogLevel::info, std::string{"What QEMU can do is not kept: "} + error.what());
}

}  // namespace visor::sdk
