// SPDX-License-Identifier: Apache-2.0
#include "drivers.hpp"

#include "refusal.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace visor::testing {
namespace {

constexpr std::array virtio = {
    "virtio-9p",     "virtio-balloon",  "virtio-blk",       "virtio-crypto", "virtio-gpu",     "virtio-input",
    "virtio-iommu",  "virtio-keyboard", "virtio-mem",       "virtio-mouse",  "virtio-net",     "virtio-pmem",
    "virtio-rng",    "virtio-scsi",     "virtio-serial",    "virtio-tablet", "vhost-scsi",     "vhost-user-blk",
    "vhost-user-fs", "vhost-user-scsi", "vhost-user-vsock", "vhost-vsock",   "vhost-user-rng", "vhost-user-i2c"};
constexpr std::array pci = {
    "pcie-root-port", "pci-bridge", "pcie-pci-bridge", "ioh3420",   "vfio-pci",    "e1000", "e1000e",
    "rtl8139",        "nvme",       "ivshmem-plain",   "qemu-xhci", "pvpanic-pci", "VGA",   "ich9-ahci"};
constexpr std::array bridges = {"pcie-root-port", "pci-bridge", "pcie-pci-bridge", "ioh3420"};
constexpr std::array scsi = {"scsi-hd", "scsi-cd", "scsi-block", "scsi-generic"};
constexpr std::array ports = {"virtserialport", "virtconsole"};
constexpr std::array others = {"pvpanic", "vmcoreinfo", "vmgenid",  "isa-debugcon", "isa-serial", "sclpconsole",
                               "vfio-ap", "vfio-ccw",   "i6300esb", "intel-iommu",  "spapr-vty",  "loader"};

constexpr std::array booleans = {"share-rw", "mq", "disable-modern", "write-cache", "packed", "event_idx", "prealloc"};
constexpr std::array numbers = {"num-queues", "core-id", "socket-id", "thread-id",           "die-id",
                                "scsi-id",    "lun",     "vectors",   "bootindex",           "queue-size",
                                "max_ports",  "nr",      "chassis",   "guest-cid",           "logical_block_size",
                                "port",       "node",    "slot",      "physical_block_size", "requested-size"};

bool is_one_of(const auto& list, std::string_view word) { return std::ranges::find(list, word) != list.end(); }

/// "virtio-blk" of "virtio-blk-pci"; empty for a driver without this end.
std::string_view without(std::string_view driver, std::string_view end) {
  return driver.ends_with(end) ? driver.substr(0, driver.size() - end.size()) : std::string_view{};
}

}  // namespace

Socket socket_of(const std::string& driver) {
  if (Cpus::is_cpu(driver)) return Socket::cpu;
  if (is_one_of(pci, driver) || driver.ends_with("-pci")) return Socket::pci;
  if (driver.ends_with("-ccw")) return Socket::ccw;
  if (driver.ends_with("-device")) return Socket::mmio;
  if (is_one_of(scsi, driver)) return Socket::scsi;
  if (is_one_of(ports, driver)) return Socket::port;
  if (driver == "pc-dimm" || driver == "nvdimm") return Socket::memory;
  return Socket::none;
}

bool has_driver(const std::string& driver, Target target) {
  switch (socket_of(driver)) {
    case Socket::cpu:
      return true;
    case Socket::ccw:
      return target == Target::s390x && is_one_of(virtio, without(driver, "-ccw"));
    case Socket::pci:
      return is_one_of(pci, driver) || is_one_of(virtio, without(driver, "-pci"));
    case Socket::mmio:
      return is_one_of(virtio, without(driver, "-device"));
    case Socket::memory:
      return target != Target::s390x;
    case Socket::scsi:
    case Socket::port:
      return true;
    case Socket::none:
      return is_one_of(others, driver);
  }
  return false;
}

std::vector<std::string> all_drivers() {
  std::vector<std::string> all{"pc-dimm", "nvdimm"};
  for (const std::string one : virtio) {
    for (const auto* const end : {"-ccw", "-device", "-pci"}) all.push_back(one + end);
  }
  all.insert(all.end(), pci.begin(), pci.end());
  all.insert(all.end(), scsi.begin(), scsi.end());
  all.insert(all.end(), ports.begin(), ports.end());
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

std::string bus_of(const std::string& driver, const std::string& id) {
  if (is_one_of(bridges, driver)) return id;
  const bool has_more = driver.starts_with("virtio-scsi-") || driver.starts_with("virtio-serial-");
  return has_more ? id + ".0" : std::string{};
}

void check_types(const Value& properties) {
  for (const auto& [key, value] : properties.as_map()) {
    if (is_one_of(booleans, key) && value.kind() != Value::Kind::boolean) {
      refuse("Invalid parameter type for '" + key + "', expected: boolean");
    }
    if (is_one_of(numbers, key) && value.kind() != Value::Kind::integer) {
      refuse("Invalid parameter type for '" + key + "', expected: integer");
    }
    if (key == "addr" && !value.is_string()) refuse("Invalid parameter type for 'addr', expected: string");
  }
}

}  // namespace visor::testing
