// SPDX-License-Identifier: Apache-2.0
#include "run_folder.hpp"

#include "visor/core/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace visor::detail {
namespace {

namespace fs = std::filesystem;

constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;
constexpr std::string_view remnant_prefix = ".gone-";

Error distrust(const fs::path& root, const std::string& why) {
  return Error(Errc::permission_denied, "Cannot use the run folder " + root.string() + ": " + why);
}

void check_parent(const fs::path& root) {
  const auto parent = root.parent_path();
  struct stat status{};
  if (::stat(parent.c_str(), &status) != 0) {
    throw system_error("Cannot make the run folder " + root.string() + " in " + parent.string(), errno);
  }
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    throw distrust(
        root, "everybody may rename it, because " + parent.string() + " is writable by all and lacks the sticky bit");
  }
}

}  // namespace

bool run_folder_exists(const fs::path& root) {
  struct stat status{};
  if (::lstat(root.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    throw system_error("Cannot look at the run folder " + root.string(), errno);
  }
  if (S_ISLNK(status.st_mode)) throw distrust(root, "it is a symbolic link; name the folder itself");
  if (!S_ISDIR(status.st_mode)) throw distrust(root, "it is no folder");
  if (status.st_uid != ::geteuid()) {
    throw distrust(root, "it belongs to user " + std::to_string(status.st_uid) + ", not to you (user " +
                             std::to_string(::geteuid()) + "); choose another one with --run-dir or VISOR_RUN_DIR");
  }
  if ((status.st_mode & writable_by_others) != 0) {
    throw distrust(root, "others may write to it; take that right away with chmod go-w");
  }
  check_parent(root);
  return true;
}

void make_run_folder(const fs::path& root) {
  if (!run_folder_exists(root)) {
    check_parent(root);
    make_private_folder(root);
    run_folder_exists(root);  // somebody else may have been faster
  }
  if (::faccessat(AT_FDCWD, root.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    throw system_error("Cannot write to the run folder " + root.string(), errno);
  }
}

bool make_private_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0) {
    if (errno == EEXIST) return false;
    throw system_error("Cannot make the folder " + folder.string(), errno);
  }
  // A cleaner may have taken it away already: the caller finds out when it locks the folder.
  if (::chmod(folder.c_str(), S_IRWXU) != 0 && errno != ENOENT) {
    throw system_error("Cannot set the mode of " + folder.string(), errno);
  }
  return true;
}

void remove_folder(const fs::path& folder) {
  auto remnant = (folder.parent_path() / (std::string{remnant_prefix} + "XXXXXX")).string();
  if (::mkdtemp(remnant.data()) == nullptr) throw system_error("Cannot remove " + folder.string(), errno);
  if (::rename(folder.c_str(), remnant.c_str()) != 0) {
    const auto reason = errno;
    ::rmdir(remnant.c_str());
    throw system_error("Cannot remove " + folder.string(), reason);
  }
  std::error_code error;
  fs::remove_all(remnant, error);
  if (error) {
    throw Error(Errc::io_error,
                "Cannot remove all of " + folder.string() + ": " + error.message() + "; the rest is in " + remnant);
  }
}

bool is_removal_remnant(const fs::path& name) { return name.native().starts_with(remnant_prefix); }

}  // namespace visor::detail
