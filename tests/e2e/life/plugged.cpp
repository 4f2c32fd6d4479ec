// SPDX-License-Identifier: Apache-2.0
#include "plugged.hpp"

#include "visor/core/extension.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <iterator>
#include <ostream>

namespace visor::test {
namespace {

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder}, std::filesystem::directory_iterator{}));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Holdings& holdings) {
  return out << holdings.qemu_fds << " descriptors of QEMU, " << holdings.own_fds << " of the test, "
             << holdings.qom_devices << " devices, " << holdings.block_nodes << " block nodes, addresses "
             << holdings.addresses;
}

void PlugTest::SetUp() {
  LifeTest::SetUp();
  if (run_dir_.empty()) return;
  files_ = run_dir_.string() + "-files";
  std::filesystem::create_directories(files_);
}

void PlugTest::TearDown() {
  LifeTest::TearDown();
  if (!files_.empty()) std::filesystem::remove_all(files_);
}

DiskConfig PlugTest::disk(const std::string& id, DiskBus bus) const {
  DiskConfig disk;
  disk.id = id;
  disk.path = (files_ / (id + ".img")).string();
  disk.bus = bus;
  disk.serial = "serial-" + id;
  std::string content = "this is " + id + "\n";
  content.resize(1U << 20U);
  write_file_atomically(disk.path, content);
  return disk;
}

NicConfig PlugTest::card(const std::string& id) {
  NicConfig card;
  card.id = id;
  card.mac = "02:00:00:00:00:42";
  return card;
}

SerialPortConfig PlugTest::port(const std::string& id) {
  SerialPortConfig port;
  port.id = id;
  port.name = "cmd." + id;
  return port;
}

std::string PlugTest::disk_in(Agent& guest, const std::string& id) {
  // linux: the unit serial number is page 0x80 of a SCSI disk's vital product data, behind a head of four bytes
  const auto look =
      "for d in /sys/block/[vs]d*; do s=$(cat $d/serial 2>/dev/null || tail -c +5 $d/device/vpd_pg80);"
      " [ \"$s\" = serial-" +
      id + " ] && echo ${d##*/}; done 2>/dev/null; :";
  std::string name;
  (void)eventually([&] { return !(name = guest.ask(look)).empty(); }, 60s);
  return name;
}

bool PlugTest::disk_goes(Agent& guest, const std::string& name) {
  return eventually([&] { return guest.run("test -e /sys/block/" + name).status != 0; }, 60s);
}

bool PlugTest::card_is_there(Agent& guest, const std::string& mac) {
  return guest.run("grep -qs " + mac + " /sys/class/net/*/address").status == 0;
}

Value PlugTest::ask_qemu(Vm& vm, const std::string& command, const Value& arguments) {
  return std::dynamic_pointer_cast<QmpExtension>(vm.extension(QmpExtension::id))->execute(command, arguments, 30s);
}

bool PlugTest::has(Vm& vm, const std::string& id) {
  const auto config = vm.config();
  return std::ranges::any_of(config.devices, [&](const auto& device) { return device_id(device) == id; });
}

Holdings PlugTest::holdings(Vm& vm) const {
  const auto record = vm.record();
  return {.qemu_fds = entries("/proc/" + std::to_string(record.hypervisor.pid) + "/fd"),
          .own_fds = open_fds(),
          .qom_devices = ask_qemu(vm, "qom-list", Value::map({{"path", "/machine/peripheral"}})).as_list().size(),
          .block_nodes = ask_qemu(vm, "query-named-block-nodes").as_list().size(),
          .addresses = to_json(record.blob.at("addresses"))};
}

}  // namespace visor::test
