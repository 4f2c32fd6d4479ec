// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// A file that a VM's state cannot do without, as it was.
struct NeededFile {
  std::string path;
  std::uint64_t size_bytes = 0;
  bool operator==(const NeededFile&) const = default;
};

/// What must be known of a VM to go on with its state in another QEMU: which machine it was, and who. It goes before
/// the state in a stream, and beside it in the folder of a saved VM.
struct Manifest {
  static constexpr std::uint32_t current_version = 1;

  std::string plugin;                ///< "qemu-amd64"
  std::string qemu_version;          ///< "7.2.22"
  std::string machine;               ///< with its release ("pc-q35-7.2")
  std::string accelerator;           ///< "tcg" or "kvm"
  std::string uuid;                  ///< the guest knows it, and its network cards' addresses follow from it
  std::string instance;              ///< the VM's id when it booted, which cloud-init goes by
  bool ran = false;                  ///< when it was asked for its state
  VmConfig config;                   ///< normalised, with the devices that the VM has
  Value addresses;                   ///< where the devices sit: a value of Addresses
  Value places = Value::map();       ///< of those that were plugged while it ran: places_to_value()
  std::vector<std::string> command;  ///< QEMU's, for a person
  std::vector<NeededFile> files;     ///< that the guest booted from, and disks
  std::uint64_t state_bytes = 0;     ///< of a saved VM's state
  std::string state_hash;            ///< the same: hash_of_file()
};

Value to_value(const Manifest& manifest);
/// Throws unsupported for one of a later version, invalid_config for what is missing or wrong.
Manifest manifest_from_value(const Value& value);

/// The files of a configuration that have to be as they were: those that it boots from and its disks. [file I/O]
std::vector<NeededFile> needed_files(const VmConfig& config);
/// Throws not_found or invalid_config, naming each that is missing or has another size, a line each. [file I/O]
void check_needed_files(const std::vector<NeededFile>& files);

/// Throws invalid_config unless a VM of this configuration takes a state of that one: all fields that differ, a line
/// each. What QEMU itself compares is not compared again.
void check_same_shape(const VmConfig& from, const VmConfig& to);
/// Throws unsupported when this QEMU cannot take the state: another plugin's, a later release's, or by another
/// accelerator.
void check_can_take(const Manifest& manifest, std::string_view plugin, std::string_view qemu_version,
                    std::string_view accelerator);

}  // namespace visor::sdk
