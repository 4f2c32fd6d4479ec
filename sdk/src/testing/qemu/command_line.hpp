// SPDX-License-Identifier: Apache-2.0
// What the fake takes from QEMU's command line; all else is passed over.
#pragma once
#include "visor/core/value.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace visor::testing {

struct Topology {
  std::uint64_t cpus = 1, max_cpus = 1, sockets = 1, cores = 1, threads = 1;
};

/// A -chardev socket: a descriptor that was inherited, or a path to listen at.
struct SocketOption {
  std::string id;
  int fd = -1;
  std::string path;
  bool connects = false;  ///< to the path, where another process listens
};

struct CommandLine {
  std::map<std::string, std::string> words;        ///< -fake KEY=VALUE, and those of the file
  std::map<std::string, std::string> fixed_words;  ///< without the file
  std::string words_file;                          ///< -fake script=FILE; empty for none
  std::vector<SocketOption> sockets;
  std::vector<std::string> monitors;  ///< ids of sockets, in the order of -mon
  std::string console;                ///< the id of a socket, empty for none
  std::string kernel_line;
  std::string machine;
  std::string cpu;
  std::string name;
  std::string uuid = "00000000-0000-0000-0000-000000000000";
  Topology topology;
  std::uint64_t memory_bytes = std::uint64_t{128} << 20U;
  bool paused = false;
  bool incoming = false;     ///< its state comes from elsewhere
  bool acpi_hotplug = true;  ///< false: PCI devices go without a guest's consent, as with native PCIe hotplug
  std::vector<Value> devices, objects, nodes, netdevs;  ///< one map each
};

/// All words as the file has them now. Throws visor::Error for a file that names another one.
std::map<std::string, std::string> current_words(const CommandLine& line);

/// Throws visor::Error in one sentence for what it cannot read.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

/// "a,b=1,,2" or JSON as a map; what has no '=' is the value of `implied` if it comes first, else "on".
Value parse_options(std::string_view text, std::string_view implied);

}  // namespace visor::testing
