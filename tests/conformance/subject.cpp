// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>

namespace visor::conformance {

std::ostream& operator<<(std::ostream& out, const Subject& subject) { return out << subject.name; }

const Ending* failing_end(const Subject& subject) {
  const auto found = std::ranges::find_if(subject.endings, [](const Ending& ending) {
    ExitRecord record;
    record.cause = ending.cause;
    return final_state(record) == VmState::failed;
  });
  return found == subject.endings.end() ? nullptr : &*found;
}

std::optional<DeviceConfig> default_device(Feature feature, const std::string& id,
                                           const std::filesystem::path& scratch) {
  if (feature == Feature::hotplug_disk) {
    DiskConfig disk;
    disk.id = id;
    disk.path = (scratch / ((id.empty() ? "unnamed" : id) + ".img")).string();
    std::ofstream{disk.path}.close();
    std::filesystem::resize_file(disk.path, 1 << 20);
    disk.read_only = true;  // several VMs of a test have it
    return disk;
  }
  if (feature == Feature::hotplug_nic) {
    NicConfig nic;
    nic.id = id;
    return nic;
  }
  if (feature == Feature::hotplug_serial_port) {
    SerialPortConfig port;
    port.id = id;
    port.name = "org.visorkit." + id;
    return port;
  }
  return std::nullopt;
}

std::optional<DeviceConfig> device_for(const Subject& subject, Feature feature, const std::string& id,
                                       const std::filesystem::path& scratch) {
  return subject.device ? subject.device(feature, id, scratch) : default_device(feature, id, scratch);
}

const Subject* find_subject(const std::string& name) {
  static const auto all = all_subjects();
  const auto found = std::ranges::find(all, name, &Subject::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace visor::conformance
