// SPDX-License-Identifier: Apache-2.0
#include "template_files.hpp"

#include "state_stream.hpp"
#include "visor/core/error.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace visor::sdk {
namespace {

/// Guest memory on a disk would be written there all the time; and a file system without room for all of it ends QEMU
/// by SIGBUS at the guest's next new page.
void check_memory_folder(const std::filesystem::path& folder, std::uint64_t bytes) {
  const std::string field = "template.memory_path: ";
  struct statfs status{};
  if (::statfs(folder.c_str(), &status) != 0) throw system_error(field + "cannot look at " + folder.string(), errno);
  if (status.f_type != TMPFS_MAGIC && status.f_type != HUGETLBFS_MAGIC) {
    throw Error(Errc::invalid_config,
                field + folder.string() + " is not in the host's memory: take a folder of a tmpfs, as /dev/shm");
  }
  const auto room = static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_bsize);
  const bool unlimited = status.f_blocks == 0;
  if (unlimited || room >= bytes) return;
  throw Error(Errc::exhausted, field + folder.string() + " has room for " + std::to_string(room >> 20U) +
                                   " MiB, and the VM has " + std::to_string(bytes >> 20U) + " MiB");
}

void check_memory_file(const std::filesystem::path& path, std::uint64_t bytes) {
  const std::string field = "template.memory_path: ";
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) throw system_error(field + "cannot look at " + path.string(), errno);
  if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == bytes) return;
  throw Error(Errc::invalid_config, field + path.string() + " is not the memory of a VM with " +
                                        std::to_string(bytes >> 20U) + " MiB; it has " +
                                        std::to_string(status.st_size) + " bytes");
}

}  // namespace

std::optional<NewFile> make_template_memory(const VmConfig& config, std::uint64_t memory_bytes) {
  if (!config.vm_template.to_be) return std::nullopt;
  const std::filesystem::path path = config.vm_template.memory_path;
  check_memory_folder(path.parent_path(), memory_bytes);
  return NewFile{path};
}

std::optional<Arrival> find_template(const VmConfig& config, const MigrationRules& rules, std::uint64_t memory_bytes,
                                     const CallContext& call) {
  if (!config.vm_template.from) return std::nullopt;
  check_memory_file(config.vm_template.memory_path, memory_bytes);
  const auto& path = config.vm_template.state_path;
  Arrival arrival;
  arrival.capabilities = rules.capabilities;
  arrival.file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!arrival.file) throw system_error("template.state_path: cannot open " + path, errno);
  arrival.fd = arrival.file.get();
  try {
    arrival.of = read_manifest(arrival.fd, call);
  } catch (const Error& error) {
    throw Error(error.code() == Errc::io_error ? Errc::invalid_config : error.code(),
                "template.state_path: " + path + ": " + error.message());
  }
  if (!arrival.of.config.vm_template.to_be) {
    throw Error(Errc::invalid_config, "template.state_path: " + path + " is not of a template");
  }
  check_needed_files(arrival.of.files);
  return arrival;
}

}  // namespace visor::sdk
