// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/vm_store.hpp"

#include "run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <system_error>
#include <utility>

namespace visor {
namespace {

/// A cleaner may take a new folder away before it is locked: this often it is made again.
constexpr int max_attempts = 100;

namespace fs = std::filesystem;

bool is_vm_id(std::string_view id) noexcept {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !id.empty() && id.size() <= longest_vm_id && alphanumeric(id.front()) &&
         std::all_of(id.begin(), id.end(), [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

fs::path environment_path(const char* name) {
  const auto* value = ::secure_getenv(name);
  return value != nullptr ? fs::path{value} : fs::path{};
}

void check_socket_paths(const fs::path& folder, std::string_view id) {
  const auto length = folder.native().size() + 1 + longest_socket_name;
  if (length <= longest_socket_path) return;
  throw Error(Errc::invalid_config,
              "The paths of the sockets in " + folder.string() + " would have up to " + std::to_string(length) +
                  " bytes and the limit is " + std::to_string(longest_socket_path) + ": choose an id shorter than '" +
                  std::string{id} + "' or a run folder with a shorter path (--run-dir, VISOR_RUN_DIR)");
}

bool is_folder(const fs::path& path) noexcept {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool has_record(const fs::path& folder) noexcept { return ::access((folder / "record.json").c_str(), F_OK) == 0; }

/// The lock of a folder in which a VM is being made; none when another process holds it or the folder is gone.
UniqueFd try_lock_folder(const fs::path& folder) {
  UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return {};
  struct stat locked{};
  struct stat there{};
  // Between open and flock the folder may have been removed, and another one made.
  const bool same = ::fstat(fd.get(), &locked) == 0 && ::lstat(folder.c_str(), &there) == 0 &&
                    locked.st_ino == there.st_ino && locked.st_dev == there.st_dev;
  return same ? std::move(fd) : UniqueFd{};
}

Error being_made(std::string_view id) {
  return Error(Errc::busy, "The VM '" + std::string{id} + "' is being made by another process");
}

VmRecord read_stored(const fs::path& folder) {
  const auto id = folder.filename().string();
  if (!is_folder(folder)) throw Error(Errc::invalid_config, folder.string() + " is no folder");
  if (!has_record(folder)) {
    if (!try_lock_folder(folder) && is_folder(folder)) throw being_made(id);
    if (!has_record(folder)) {
      throw Error(Errc::invalid_config,
                  "The folder " + folder.string() + " has no record: making the VM was cut short");
    }
  }
  auto record = read_record(folder);
  if (record.id != id) {
    throw Error(Errc::invalid_config,
                (folder / "record.json").string() + " is the record of another VM, '" + record.id + "'");
  }
  return record;
}

StoredVm stored(const fs::path& folder) {
  StoredVm vm{folder.filename().string(), folder, {}, {}};
  try {
    vm.record = read_stored(folder);
  } catch (const Error& error) {
    vm.error = error;
  } catch (const std::exception& error) {
    vm.error = Error(Errc::internal, error.what());
  }
  return vm;
}

std::vector<fs::path> entries(const fs::path& root) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry{root, error}, end; !error && entry != end; entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) throw Error(Errc::io_error, "Cannot read the run folder " + root.string() + ": " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

void check_vm_id(std::string_view id) {
  if (is_vm_id(id)) return;
  std::string shown;
  for (const char c : id.substr(0, longest_vm_id + 1)) shown += c >= ' ' && c <= '~' ? c : '?';
  throw Error(Errc::invalid_config, "'" + shown + "' is no VM id: it has 1 to " + std::to_string(longest_vm_id) +
                                        " letters, digits, dots, underscores and dashes, and begins with a letter or "
                                        "a digit");
}

NewVmFolder::NewVmFolder(fs::path path, UniqueFd lock) noexcept : path_{std::move(path)}, lock_{std::move(lock)} {}
NewVmFolder::NewVmFolder(NewVmFolder&&) noexcept = default;
void NewVmFolder::keep() noexcept { lock_.reset(); }

NewVmFolder::~NewVmFolder() {
  if (!lock_) return;
  try {
    detail::remove_folder(path_);
  } catch (const std::exception&) {
    // What is left has no record: remove_abandoned() tries again.
  }
}

fs::path VmStore::default_root() {
  if (auto path = environment_path("VISOR_RUN_DIR"); !path.empty()) return path;
  const auto user = ::geteuid();
  if (user == 0) return "/run/visorkit";
  if (const auto path = environment_path("XDG_RUNTIME_DIR"); path.is_absolute()) return path / "visorkit";
  return "/tmp/visorkit-" + std::to_string(user);
}

VmStore::VmStore(const fs::path& root) {
  std::error_code error;
  const auto& chosen = root.empty() ? default_root() : root;
  root_ = fs::absolute(chosen, error).lexically_normal();
  if (error) throw Error(Errc::io_error, "Cannot find the run folder " + chosen.string() + ": " + error.message());
  if (!root_.has_filename()) root_ = root_.parent_path();
}

fs::path VmStore::folder(std::string_view id) const {
  check_vm_id(id);
  return root_ / id;
}

bool VmStore::contains(std::string_view id) const { return detail::run_folder_exists(root_) && is_folder(folder(id)); }

NewVmFolder VmStore::create(std::string_view id) const {
  auto path = folder(id);
  check_socket_paths(path, id);
  detail::make_run_folder(root_);
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (!detail::make_private_folder(path)) {
      throw Error(Errc::already_exists, "A VM '" + std::string{id} + "' exists already, in " + path.string());
    }
    // remove_abandoned() may take the new folder away before it is locked.
    if (auto lock = try_lock_folder(path)) return {std::move(path), std::move(lock)};
    ::rmdir(path.c_str());
  }
  throw Error(Errc::busy, "Cannot keep the folder " + path.string() + ": another process removes it");
}

VmRecord VmStore::read(std::string_view id) const {
  const auto path = folder(id);
  const bool there = detail::run_folder_exists(root_);
  if (there && is_folder(path)) return read_stored(path);
  std::string known;
  for (const auto& entry : there ? entries(root_) : std::vector<fs::path>{}) {
    if (is_vm_id(entry.filename().native())) known += (known.empty() ? "" : ", ") + entry.filename().string();
  }
  throw Error(Errc::not_found, "No VM '" + std::string{id} + "' in " + root_.string() +
                                   (known.empty() ? "; there is none at all" : "; there are: " + known));
}

std::vector<StoredVm> VmStore::list() const {
  std::vector<StoredVm> vms;
  if (!detail::run_folder_exists(root_)) return vms;
  for (const auto& path : entries(root_)) {
    if (!is_vm_id(path.filename().native())) continue;
    auto vm = stored(path);
    // It may have been removed since the folder was read.
    if (vm.record || ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) vms.push_back(std::move(vm));
  }
  return vms;
}

void VmStore::remove(std::string_view id) const {
  const auto path = folder(id);
  if (!contains(id)) {
    throw Error(Errc::not_found, "No VM '" + std::string{id} + "' in " + root_.string());
  }
  const auto lock = try_lock_folder(path);
  if (!lock && has_record(path)) {
    throw Error(Errc::busy, "The folder of the VM '" + std::string{id} + "' is still used by its keeper");
  }
  if (!lock && is_folder(path)) throw being_made(id);
  detail::remove_folder(path);
}

std::vector<std::string> VmStore::remove_abandoned() const {
  std::vector<std::string> removed;
  if (!detail::run_folder_exists(root_)) return removed;
  for (const auto& path : entries(root_)) {
    std::error_code error;
    const auto name = path.filename();
    if (detail::is_removal_remnant(name)) fs::remove_all(path, error);
    if (!is_vm_id(name.native()) || !is_folder(path) || has_record(path)) continue;
    const auto lock = try_lock_folder(path);
    if (!lock || has_record(path)) continue;
    try {
      detail::remove_folder(path);
      removed.push_back(name.string());
    } catch (const Error&) {
      // Stays, as the contract says; the next call tries again.
    }
  }
  return removed;
}

}  // namespace visor
