// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace visor {

/// A process that cannot be mistaken for a later one of the same number.
struct ProcessIdentity {
  std::int32_t pid = 0;          ///< 0: there is none
  std::uint64_t start_time = 0;  ///< clock ticks since boot, field 22 of /proc/PID/stat
  bool operator==(const ProcessIdentity&) const = default;
};

/// From {"pid", "start_time"} of a record. Throws invalid_config for a number that is none of a process.
VISOR_CORE_EXPORT ProcessIdentity process_from_value(const Value& value);

/// What lets a later process find a VM again: who it is and what was asked for. State is never read from it but derived
/// from reality; only a plugin without a process (mock) keeps its state in the blob.
struct VmRecord {
  static constexpr std::uint32_t current_version = 1;

  std::string id;
  std::string plugin;                       ///< name of the plugin that made it
  std::uint32_t version = current_version;  ///< of this envelope and of the blob
  std::string boot_id;                      ///< the host's boot: another one means that all processes are gone
  std::filesystem::path run_dir;            ///< the VM's own folder; not stored, set when read
  ProcessIdentity keeper;
  ProcessIdentity hypervisor;
  VmConfig config;
  Value blob;  ///< the plugin's own; it alone reads it
};

VISOR_CORE_EXPORT Value to_value(const VmRecord& record);
/// Throws invalid_config when members are missing or wrong, unsupported when the record is of a newer version.
VISOR_CORE_EXPORT VmRecord vm_record_from_value(const Value& value);

/// Writes <run_dir>/record.json so that a reader sees the old one or the new one, never a part. Mode 0600. [file I/O]
VISOR_CORE_EXPORT void write_record(const VmRecord& record);
/// Reads <run_dir>/record.json. Throws not_found, or invalid_config naming the file.
VISOR_CORE_EXPORT VmRecord read_record(const std::filesystem::path& run_dir);

/// The host's boot id (/proc/sys/kernel/random/boot_id).
VISOR_CORE_EXPORT std::string host_boot_id();

}  // namespace visor
