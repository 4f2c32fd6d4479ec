// SPDX-License-Identifier: Apache-2.0
#include "inventory.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <set>

namespace visor::test {
namespace {

using Names = std::set<std::string>;

class Inventory {
 public:
  Inventory(Answers& answers, const std::vector<Option>& options) : answers_{answers}, options_{options} {}

  std::vector<std::string> differences() {
    each([&] { compare("status", {"prelaunch"}, {answers_.ask("query-status").at("status").as_string()}); });
    each([&] { compare("devices", ids("-device"), peripherals()); });
    each([&] { compare("chardevs", ids("-chardev"), names("query-chardev", "label")); });
    each([&] { compare("block nodes", ids("-blockdev", "node-name"), nodes()); });
    each([&] { compare("iothreads", ids("-object", "id", "iothread"), names("query-iothreads", "id")); });
    each([&] { compare("memory devices", memory_devices(), memory_devices_there()); });
    each([&] { compare("disks behind devices", disks(), disks_there()); });
    each([&] { compare("PCI devices", pci_devices(), pci_devices_there()); });
    for (const auto* const option : {"-kernel", "-initrd", "-append"}) each([&] { given_or_not(option); });
    return found_;
  }

 private:
  /// One comparison; it comes again when what it has to know was fetched.
  template <class Comparison>
  static void each(const Comparison& comparison) {
    try {
      comparison();
    } catch (const Answers::Unknown&) {
    }
  }

  void compare(const std::string& what, const Names& wanted, const Names& there) {
    for (const auto& name : wanted) {
      if (!there.contains(name)) found_.push_back(what + ": " + name + " is missing");
    }
    for (const auto& name : there) {
      if (!wanted.contains(name)) found_.push_back(what + ": nobody asked for " + name);
    }
  }

  /// Values of a key in all options of a name, of one type when one is given.
  Names ids(const std::string& name, const std::string& key = "id", const std::string& type = {}) const {
    Names all;
    for (const auto& option : options_) {
      const auto id = option.at(key);
      if (option.name == name && !id.empty() && (type.empty() || option.at("") == type)) all.insert(id);
    }
    return all;
  }

  Names names(const char* query, const char* key) {
    Names all;
    for (const auto& item : answers_.ask(query).as_list()) all.insert(item.at(key).as_string());
    return all;
  }

  Names peripherals() {
    Names all;
    for (const auto& item : answers_.ask("qom-list", Value::map({{"path", "/machine/peripheral"}})).as_list()) {
      if (item.at("type").as_string().starts_with("child<")) all.insert(item.at("name").as_string());
    }
    return all;
  }

  Names nodes() {
    auto all = names("query-named-block-nodes", "node-name");
    std::erase_if(all, [](const auto& name) { return name.starts_with('#'); });  // below those, and flash
    return all;
  }

  Names memory_devices() const {
    Names all;
    for (const auto* const type : {"nvdimm", "pc-dimm", "virtio-mem-pci"}) all.merge(ids("-device", "id", type));
    return all;
  }
  Names memory_devices_there() {
    Names all;
    for (const auto& item : answers_.ask("query-memory-devices").as_list())
      all.insert(item.at("data").at("id").as_string());
    return all;
  }

  /// "NODE behind DEVICE" each.
  Names disks() const {
    Names all;
    for (const auto& option : options_) {
      if (option.name == "-device" && !option.at("drive").empty())
        all.insert(option.at("drive") + " behind " + option.at("id"));
    }
    return all;
  }
  Names disks_there() {
    Names all;
    for (const auto& disk : answers_.ask("query-block").as_list()) {
      if (disk.at("device").as_string().starts_with("pflash")) continue;
      auto device = disk.at("qdev").as_string();  // an id, or a path with it
      const std::string folder = "/machine/peripheral/";
      if (device.starts_with(folder))
        device = device.substr(folder.size(), device.find('/', folder.size()) - folder.size());
      all.insert(disk.at("inserted").at("node-name").as_string() + " behind " + device);
    }
    return all;
  }

  Names pci_devices() {
    Names types;
    const auto asked = Value::map({{"implements", "pci-device"}});
    for (const auto& type : answers_.ask("qom-list-types", asked).as_list()) types.insert(type.at("name").as_string());
    Names all;
    for (const auto& option : options_) {
      if (option.name == "-device" && types.contains(option.at(""))) all.insert(option.at("id"));
    }
    return all;
  }
  Names pci_devices_there() {
    Names all;
    for (const auto& bus : pci_buses()) add_pci(bus.at("bus").as_uint(), bus.at("devices"), all);
    return all;
  }
  Value::List pci_buses() {
    try {
      return answers_.ask("query-pci").as_list();
    } catch (const Error&) {
      return {};  // a machine without
    }
  }
  void add_pci(std::uint64_t bus, const Value& devices, Names& all) {
    Names addresses;
    for (const auto& device : devices.as_list()) {
      const auto address =
          std::to_string(device.at("slot").as_uint()) + '.' + std::to_string(device.at("function").as_uint());
      if (!addresses.insert(address).second)
        found_.push_back("PCI bus " + std::to_string(bus) + ": two devices at " + address);
      if (!device.at("qdev_id").as_string().empty()) all.insert(device.at("qdev_id").as_string());
      const auto* const bridge = device.find("pci_bridge");
      const auto* const behind = bridge != nullptr ? bridge->find("devices") : nullptr;
      if (behind != nullptr) add_pci(bridge->at("bus").at("number").as_uint(), *behind, all);
    }
  }

  /// What is not on the command line is not in the machine; what is, read_back() compares.
  void given_or_not(const std::string& name) {
    if (std::ranges::find(options_, name, &Option::name) != options_.end()) return;
    const auto& value = answers_.get("/machine", name.substr(1));
    if (value.is_string() && !value.as_string().empty()) found_.push_back("nobody asked for " + name);
  }

  Answers& answers_;
  const std::vector<Option>& options_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> inventory_differences(Answers& answers, const std::vector<Option>& options) {
  return Inventory{answers, options}.differences();
}

}  // namespace visor::test
