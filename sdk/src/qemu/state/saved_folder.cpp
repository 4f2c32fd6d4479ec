// SPDX-License-Identifier: Apache-2.0
#include "saved_folder.hpp"

#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

constexpr std::size_t max_manifest_bytes = std::size_t{4} << 20U;

[[noreturn]] void refuse_damaged(const std::filesystem::path& path, const std::string& why) {
  throw Error(Errc::invalid_config, "The saved VM is damaged: " + path.string() + " " + why);
}

/// Full disks and quotas have a code of their own.
Error write_error(const std::string& what, int problem) {
  if (problem == ENOSPC || problem == EDQUOT) return Error(Errc::exhausted, system_error(what, problem).message());
  return system_error(what, problem);
}

}  // namespace

NewFile::NewFile(std::filesystem::path path)
    : path_{std::move(path)},
      fd_{::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)} {
  if (!fd_) throw write_error("Cannot make the file " + path_.string(), errno);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_{std::move(other.path_)}, fd_{std::move(other.fd_)}, kept_{std::exchange(other.kept_, true)} {}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
  NewFile taken{std::move(other)};
  std::swap(path_, taken.path_);
  std::swap(fd_, taken.fd_);
  std::swap(kept_, taken.kept_);
  return *this;
}

NewFile::~NewFile() {
  if (!kept_ && fd_) ::unlink(path_.c_str());
}

void NewFile::sync() const {
  if (::fsync(fd_.get()) != 0) throw write_error("Cannot bring " + path_.string() + " to the disk", errno);
}

void check_empty_private_folder(const std::filesystem::path& folder) {
  const auto name = "The folder " + folder.string() + " ";
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0) throw system_error("Cannot look at " + folder.string(), errno);
  if (!S_ISDIR(status.st_mode)) throw Error(Errc::invalid_config, folder.string() + " is no folder");
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(Errc::permission_denied,
                name + "must belong to this user alone, since the guest's memory goes there: chmod 700");
  }
  std::error_code error;
  const bool empty = std::filesystem::is_empty(folder, error);
  if (error) throw system_error("Cannot read " + folder.string(), error.value());
  if (!empty) throw Error(Errc::invalid_config, name + "must be empty: choose another one");
}

void sync_folder(const std::filesystem::path& folder) {
  const UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0) throw system_error("Cannot bring " + folder.string() + " to the disk", errno);
}

void write_manifest_file(const std::filesystem::path& folder, const Manifest& manifest) {
  NewFile file{folder / (std::string{manifest_file} + ".new")};
  const auto text = to_json(to_value(manifest), 1) + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto size = ::write(file.fd(), rest.data(), rest.size());
    if (size < 0 && errno != EINTR) throw write_error("Cannot write " + file.path().string(), errno);
    if (size > 0) rest.remove_prefix(static_cast<std::size_t>(size));
  }
  file.sync();
  const auto whole = folder / manifest_file;
  if (::rename(file.path().c_str(), whole.c_str()) != 0) throw write_error("Cannot make " + whole.string(), errno);
  file.keep();
  try {
    sync_folder(folder);
  } catch (...) {
    ::unlink(whole.c_str());
    throw;
  }
}

Manifest read_manifest_file(const std::filesystem::path& folder) {
  const auto path = folder / manifest_file;
  try {
    return manifest_from_value(parse_json(read_file(path, max_manifest_bytes)));
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) {
      throw Error(Errc::not_found, "There is no saved VM in " + folder.string() + ": it has no " + manifest_file);
    }
    throw Error(error.code(), path.string() + ": " + error.message());
  }
}

std::string hash_of_file(int fd, const CallContext& call) {
  constexpr std::uint64_t prime = 0x100000001b3;  // FNV-1a, on eight bytes at a time
  std::uint64_t hash = 0xcbf29ce484222325;
  std::vector<char> buffer(std::size_t{1} << 20U);
  off_t offset = 0;
  for (;;) {
    call.check("the file of the VM's state to be read");
    std::size_t have = 0;
    while (have < buffer.size()) {
      const auto size = ::pread(fd, buffer.data() + have, buffer.size() - have, offset);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) throw Error(Errc::io_error, system_error("Cannot read the VM's state", errno).message());
      if (size == 0) break;
      have += static_cast<std::size_t>(size);
      offset += size;
    }
    if (have == 0) break;
    std::memset(buffer.data() + have, 0, (8 - have % 8) % 8);
    for (std::size_t i = 0; i < have; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, buffer.data() + i, sizeof word);
      word = le64toh(word);
      hash = (hash ^ word) * prime;
      hash ^= hash >> 32U;
    }
  }
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

UniqueFd open_state(const std::filesystem::path& folder, const Manifest& manifest) {
  const auto path = folder / state_file;
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)};
  if (!fd) throw system_error("Cannot open the saved VM's " + path.string(), errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) throw system_error("Cannot look at " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) refuse_damaged(path, "is no file");
  if (static_cast<std::uint64_t>(status.st_size) != manifest.state_bytes) {
    refuse_damaged(path, "has " + std::to_string(status.st_size) + " bytes and was saved with " +
                             std::to_string(manifest.state_bytes));
  }
  return fd;
}

void verify_state(int fd, const std::filesystem::path& folder, const Manifest& manifest, const CallContext& call) {
  if (hash_of_file(fd, call) != manifest.state_hash) refuse_damaged(folder / state_file, "is not what was saved");
}

}  // namespace visor::sdk
