// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/qemu_arch.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace visor {

/// Where to look at the host; a test puts its own files here.
struct HostPaths {
  std::filesystem::path meminfo = "/proc/meminfo";
  std::filesystem::path cpuinfo = "/proc/cpuinfo";
  std::filesystem::path kvm = "/dev/kvm";
  std::filesystem::path vhost_net = "/dev/vhost-net";
  std::filesystem::path vhost_vsock = "/dev/vhost-vsock";
};

/// MemTotal in KiB: the first line that has at least three words, of which the first is "MemTotal:", the third "kB" and
/// the second a number (0x… and 0… are read as hexadecimal and octal). Other lines are skipped. Throws not_found or
/// io_error for the file, invalid_config when no line has it. [file I/O]
VISOR_CORE_EXPORT std::uint64_t parse_meminfo(const std::filesystem::path& path);

/// Whether the host is itself a guest: for amd64, whether the first line that begins with "flags" has the word
/// "hypervisor". On other architectures the file cannot tell, and is not read: false. Throws not_found or io_error for
/// the file, invalid_config when it has no such line. [file I/O]
VISOR_CORE_EXPORT bool running_on_vmm(const std::filesystem::path& cpuinfo, std::string_view arch);

/// The words of plugins for what uname calls a machine: "x86_64" is "amd64". An unknown machine keeps its name.
VISOR_CORE_EXPORT std::string arch_of_machine(std::string_view machine);

/// The program of this name in a folder of $PATH, or in /usr/bin or /usr/local/bin; nothing when there is none. [file
/// I/O]
VISOR_CORE_EXPORT std::optional<std::string> find_program(const std::string& name);

/// What this host is and has. What cannot be read is left at its default, KVM's absence gets its reason: nothing here
/// fails. [file I/O] Opens devices and closes them again, starts nothing.
VISOR_CORE_EXPORT HostFacts host_facts(const HostPaths& paths = {});

}  // namespace visor
