// SPDX-License-Identifier: Apache-2.0
#include "describe_check.hpp"

#include <algorithm>

namespace visor::detail {
namespace {

using Problems = std::vector<std::string>;

constexpr std::size_t longest_socket_path = 107;  // sun_path of unix(7), less its NUL
constexpr std::size_t longest_tag = 31;           // what QEMU's 9p device takes
constexpr std::size_t longest_serial = 20;        // VIRTIO_BLK_ID_BYTES: more would be cut
constexpr std::size_t longest_fw_cfg_name = 55;   // FW_CFG_MAX_FILE_PATH, less its NUL
constexpr std::size_t longest_interface = 15;     // IFNAMSIZ, less its NUL

void check_length(Problems& problems, std::string_view key, const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return;
  problems.push_back(std::string{key} + " has " + std::to_string(text.size()) + " characters, at most " +
                     std::to_string(longest) + " are possible: '" + text + "'");
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Whether the text has the form of the pattern, where 'x' stands for a hexadecimal digit.
bool has_form(std::string_view text, std::string_view pattern) {
  return std::ranges::equal(text, pattern, [](char c, char p) { return p == 'x' ? is_hex(c) : c == p; });
}

void check_mac(Problems& problems, const std::string& mac) {
  if (mac.empty()) return;
  if (!has_form(mac, "xx:xx:xx:xx:xx:xx")) {
    problems.push_back("mac '" + mac + "' is not of the form 02:00:00:00:00:01");
  } else if (std::string_view{"13579bdfBDF"}.find(mac[1]) != std::string_view::npos) {
    problems.push_back("mac '" + mac + "' is a multicast address: the first byte must be even");
  }
}

bool is_block_size(std::uint32_t bytes) { return bytes == 0 || (bytes >= 512 && (bytes & (bytes - 1)) == 0); }

void check(Problems& problems, const DiskConfig& disk) {
  check_length(problems, "serial", disk.serial, longest_serial);
  const auto logical = disk.logical_block_size_bytes;
  const auto physical = disk.physical_block_size_bytes;
  if (!is_block_size(logical) || !is_block_size(physical)) {
    problems.emplace_back("A block size is a power of two from 512 to 65536");
  } else if (physical != 0 && logical > physical) {
    problems.push_back("logical_block_size_bytes " + std::to_string(logical) +
                       " is more than physical_block_size_bytes " + std::to_string(physical));
  }
}

void check(Problems& problems, const ShareConfig& share) { check_length(problems, "tag", share.tag, longest_tag); }

void check(Problems& problems, const NicConfig& nic) {
  check_mac(problems, nic.mac);
  if (nic.backend == NicBackend::user) {
    if (!nic.interface.empty()) problems.emplace_back("The user backend has no host interface: leave `interface` out");
    if (nic.queues > 1) problems.emplace_back("The user backend has one pair of queues");
  } else if (nic.interface.empty()) {
    problems.emplace_back("This backend needs the host's `interface`");
  } else if (nic.backend != NicBackend::vdpa) {
    check_length(problems, "interface", nic.interface, longest_interface);
  }
}

void check(Problems& problems, const SerialPortConfig& port) {
  check_length(problems, "socket", port.socket, longest_socket_path);
}

void check(Problems& problems, const VfioConfig& vfio) {
  if (vfio.host.empty() == vfio.sysfs_path.empty()) {
    problems.emplace_back("Exactly one of `host` and `sysfs_path` must be given");
  }
  if (vfio.host.empty()) return;
  const auto pci = vfio.host.size() == 7 ? "0000:" + vfio.host : vfio.host;
  if (!has_form(pci, "xxxx:xx:xx.x") || pci.back() > '7') {
    problems.push_back("host '" + vfio.host + "' is not a PCI address such as 0000:01:00.0");
  }
}

void check(Problems& problems, const VhostUserConfig& device) {
  check_length(problems, "socket", device.socket, longest_socket_path);
  check_length(problems, "tag", device.tag, longest_tag);
  check_mac(problems, device.mac);
  const bool fs = device.type == VhostUserType::fs;
  if (fs && device.tag.empty()) problems.emplace_back("A vhost-user file system needs a `tag`");
  if (!fs && !device.tag.empty()) problems.emplace_back("Only a vhost-user file system has a `tag`");
  if (device.type != VhostUserType::net && !device.mac.empty()) {
    problems.emplace_back("Only a vhost-user network card has a `mac`");
  }
}

void check(Problems& problems, const RngConfig& rng) {
  if (rng.period_ms != 0 && rng.max_bytes == 0) problems.emplace_back("period_ms needs max_bytes");
}

void check(Problems& problems, const FwCfgConfig& blob) {
  check_length(problems, "name", blob.name, longest_fw_cfg_name);
  if (blob.path.empty() == blob.text.empty()) problems.emplace_back("Exactly one of `path` and `text` must be given");
}

void check_pair(Problems& problems, const std::string& key, const std::string& text, const std::string& path) {
  if (text.empty() || path.empty()) return;
  problems.push_back("`" + key + "` and `" + key + "_path` cannot both be given: leave one out");
}

void check(Problems& problems, const CloudInitConfig& cloud) {
  check_pair(problems, "user_data", cloud.user_data, cloud.user_data_path);
  check_pair(problems, "meta_data", cloud.meta_data, cloud.meta_data_path);
  check_pair(problems, "network_config", cloud.network_config, cloud.network_config_path);
}

template <class Device>
void check(Problems&, const Device&) {}

}  // namespace

std::vector<std::string> device_problems(const DeviceConfig& device) {
  Problems problems;
  std::visit([&problems](const auto& one) { check(problems, one); }, device);
  return problems;
}

}  // namespace visor::detail
