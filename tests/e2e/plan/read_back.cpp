// SPDX-License-Identifier: Apache-2.0
#include "read_back.hpp"

#include "inventory.hpp"
#include "says.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <map>
#include <set>
#include <sstream>

namespace visor::test {
namespace {

/// What QMP has no question for. "*" are all items of an option. What a chardev or -fsdev says is seen at the device
/// that names it; -S is the status, and the rest concerns the process or the future of the guest.
const std::map<std::string, std::set<std::string>>& unread() {
  static const std::map<std::string, std::set<std::string>> items{
      {"-name", {"process", "debug-threads"}},
      {"-sandbox", {"obsolete", "elevateprivileges", "spawn", "resourcecontrol"}},
      {"-display", {"*"}},
      {"-action", {"*"}},
      {"-rtc", {"*"}},
      {"-global", {"kvm-pit.lost_tick_policy"}},
      {"-fw_cfg", {"*"}},
      {"-boot", {"*"}},
      {"-mon", {"id", "mode"}},
      {"-chardev", {"server", "wait", "path"}},
      {"-drive", {"if", "format"}},
      {"-blockdev", {"file.aio", "discard", "file.discard"}},
      {"-netdev", {"script", "downscript", "vhost", "vhostforce", "queues", "chardev"}},
      {"-fsdev", {"*"}},
  };
  return items;
}

/// In the words of `-device`: "1e.2", or "1e" where the function was left out and is 0. QEMU has one number for both.
Value pci_address(const Value& got, const std::string& wanted) {
  if (got.kind() != Value::Kind::integer) return got;
  const auto number = static_cast<unsigned>(got.as_int());
  std::ostringstream text;
  text << std::hex << number / 8;
  if (number % 8 != 0 || wanted.find('.') != std::string::npos) text << '.' << number % 8;
  return text.str();
}

class ReadBack {
 public:
  ReadBack(Answers& answers, pid_t pid, const std::vector<Option>& options, const std::vector<std::string>& sockets)
      : answers_{answers}, pid_{pid}, options_{options}, sockets_{sockets} {}

  std::vector<std::string> differences() {
    for (const auto& option : options_) {
      for (const auto& [key, value] : option.items) {
        if (is_read_back(option.name, key)) compare(option, key, value);
      }
      count(option);
    }
    for (auto& difference : inventory_differences(answers_, options_)) found_.push_back(std::move(difference));
    return found_;
  }

 private:
  using Reader = Value (ReadBack::*)(const Option&, const std::string&);
  static const std::map<std::string, Reader>& readers();

  void compare(const Option& option, const std::string& key, const std::string& value) {
    Value got;
    try {
      const auto reader = readers().find(option.name);
      if (reader == readers().end()) throw Error(Errc::internal, "nobody reads it back, and no list says so");
      got = (this->*reader->second)(option, key);
    } catch (const std::exception& error) {
      got = std::string{"nothing: "} + error.what();
    }
    if (says(value, got)) return;
    found_.push_back(option.name + ' ' + option.at("id") + ' ' + key + '=' + value + ", but QEMU has " + to_json(got));
  }

  void count(const Option& option) {
    if (option.name == "-device" && option.at("id").empty()) ++anonymous_;
    if (option.name == "-drive") ++flash_;
  }

  const Value& ask(const char* query) { return answers_.ask(query); }
  const Value& get(const std::string& path, const std::string& property) { return answers_.get(path, property); }
  /// The member of a list that has this value at this key.
  Value item(const char* query, const char* key, const std::string& value) {
    for (const auto& one : ask(query).as_list()) {
      const auto* const found = one.find(key);
      if (found != nullptr && *found == Value{value}) return one;
    }
    throw Error(Errc::not_found, std::string{query} + " has none with " + key + ' ' + value);
  }

  Value name(const Option&, const std::string&) { return ask("query-name").at("name"); }
  Value uuid(const Option&, const std::string&) { return ask("query-uuid").at("UUID"); }
  Value kernel(const Option& option, const std::string&) { return get("/machine", option.name.substr(1)); }
  Value bios(const Option&, const std::string&) { return get("/machine", "firmware"); }
  Value sandbox(const Option&, const std::string&) { return status_of(pid_, "Seccomp") != 0; }
  Value lock(const Option&, const std::string&) { return status_of(pid_, "VmLck") != 0; }

  Value machine(const Option&, const std::string& key) {
    if (key == "accel") return ask("query-kvm").at("enabled").as_bool() ? "kvm" : "tcg";
    if (!key.empty()) return get("/machine", key);
    const auto type = get("/machine", "type").as_string();
    const auto known = item("query-machines", "name", type.substr(0, type.rfind("-machine")));
    return known.find("alias") != nullptr ? known.at("alias") : known.at("name");
  }

  Value cpu(const Option& option, const std::string& key) {
    const auto path = ask("query-cpus-fast").as_list().front().at("qom-path").as_string();
    if (!key.empty()) return get(path, key);
    const auto type = get(path, "type").as_string();  // "qemu64-x86_64-cpu", "power9_v2.0-powerpc64-cpu"
    const auto model = option.at("");
    return type.starts_with(model + '-') || type.starts_with(model + '_') ? model : type;
  }

  Value smp(const Option&, const std::string& key) { return get("/machine", "smp").at(key); }
  Value memory(const Option& option, const std::string& key) {
    const auto& memory = get("/machine", "memory");
    if (key != "maxmem") return memory.at(key);
    // QEMU tells the maximum only where there are slots; without, the device that needs the room shows that it is
    // there.
    return memory.find("slots") != nullptr ? memory.at("max-size") : Value{option.at(key)};
  }

  Value object(const Option& option, const std::string& key) {
    const auto path = "/objects/" + option.at("id");
    if (key == "size") return item("query-memdev", "id", option.at("id")).at("size");
    return key == "id" ? Value{option.at("id")} : get(path, key.empty() ? "type" : key);
  }

  Value device(const Option& option, const std::string& key) {
    const auto id = option.at("id");
    const auto path = id.empty() ? "/machine/peripheral-anon/device[" + std::to_string(anonymous_) + ']'
                                 : "/machine/peripheral/" + id;
    if (key == "id") return get(path, "type").is_string() ? Value{id} : Value{};
    if (key == "bus") return get(path, "parent_bus");
    if (key == "addr") return pci_address(get(path, key), option.at(key));
    return get(path, key.empty() ? "type" : key);
  }

  /// As the first device has it that the default is for.
  Value global(const Option& option, const std::string& key) {
    const auto property = key.substr(key.find('.') + 1);
    for (const auto& other : options_) {
      const auto type = other.at("");
      if (other.name != "-device" || !type.starts_with("virtio-") || other.at("id").empty()) continue;
      const auto path = "/machine/peripheral/" + other.at("id");
      if (key.starts_with("virtio-pci.") && type.ends_with("-pci")) return get(path, property);
      if (!key.starts_with("virtio-mmio.") || !type.ends_with("-device")) continue;
      const auto& bus = get(path, "parent_bus").as_string();  // below the device that carries it
      return get(bus.substr(0, bus.rfind('/')), property);
    }
    return option.at(key);  // there is no such device
  }

  Value chardev(const Option& option, const std::string& key) {
    const auto known = item("query-chardev", "label", option.at("id"));
    if (key == "id") return known.at("label");
    const auto file = known.at("filename").as_string();  // "disconnected:unix:PATH,server=on"
    if (key.empty()) return file.find("unix:") != std::string::npos ? "socket" : file;
    const auto path = key == "fd" ? sockets_.at(std::stoul(option.at("fd")) - 3) : option.at("path");
    return file.find(path) != std::string::npos ? option.at(key) : file;
  }
  Value monitor(const Option& option, const std::string&) {
    const auto known = item("query-chardev", "label", option.at("chardev"));
    return known.at("frontend-open").as_bool() ? known.at("label") : Value{"one that nothing is behind"};
  }
  Value serial(const Option& option, const std::string&) {
    return "chardev:" + item("query-chardev", "label", option.at("").substr(8)).at("label").as_string();
  }

  Value flash(const Option&, const std::string& key) {
    const auto known = item("query-block", "device", "pflash" + std::to_string(flash_)).at("inserted");
    return known.at(key == "readonly" ? "ro" : key);
  }

  Value node(const Option& option, const std::string& key) {
    if (key.starts_with("file.")) return of_node(node_below(option), key.substr(5));
    return of_node(item("query-named-block-nodes", "node-name", option.at("node-name")), key);
  }
  static Value of_node(const Value& node, const std::string& key) {
    if (key.starts_with("cache.")) return node.at("cache").at(key.substr(6));
    return node.at(key == "driver" ? "drv" : key == "read-only" ? "ro" : key == "filename" ? "file" : key);
  }
  /// The node that QEMU made for the file of another one.
  const Value& node_below(const Option& option) {
    for (const auto& one : ask("query-named-block-nodes").as_list()) {
      const bool unnamed = one.at("node-name").as_string().starts_with('#');
      if (unnamed && one.at("file") == Value{option.at("file.filename")}) return one;
    }
    throw Error(Errc::not_found, "no node below has this file");
  }

  /// QMP has no question for network backends: the monitor for people has one.
  Value netdev(const Option& option, const std::string& key) {
    const auto& text =
        answers_.ask("human-monitor-command", Value::map({{"command-line", "info network"}})).as_string();
    const auto value = option.at(key);
    const auto begin = text.find(option.at("id") + ": index=");
    if (begin == std::string::npos) return "no such backend";
    const auto line = text.substr(begin, text.find('\n', begin) - begin) + ',';
    const auto wanted = key == "id" ? value + ':' : (key.empty() ? "type" : key) + '=' + value + ',';
    return line.find(wanted) != std::string::npos ? value : line;
  }

  Answers& answers_;
  pid_t pid_;
  const std::vector<Option>& options_;
  const std::vector<std::string>& sockets_;
  std::size_t anonymous_ = 0;  // devices without id so far
  std::size_t flash_ = 0;
  std::vector<std::string> found_;
};

const std::map<std::string, ReadBack::Reader>& ReadBack::readers() {
  static const std::map<std::string, Reader> all{
      {"-name", &ReadBack::name},       {"-uuid", &ReadBack::uuid},       {"-machine", &ReadBack::machine},
      {"-cpu", &ReadBack::cpu},         {"-smp", &ReadBack::smp},         {"-m", &ReadBack::memory},
      {"-sandbox", &ReadBack::sandbox}, {"-overcommit", &ReadBack::lock}, {"-kernel", &ReadBack::kernel},
      {"-initrd", &ReadBack::kernel},   {"-append", &ReadBack::kernel},   {"-bios", &ReadBack::bios},
      {"-object", &ReadBack::object},   {"-device", &ReadBack::device},   {"-chardev", &ReadBack::chardev},
      {"-mon", &ReadBack::monitor},     {"-serial", &ReadBack::serial},   {"-drive", &ReadBack::flash},
      {"-blockdev", &ReadBack::node},   {"-netdev", &ReadBack::netdev},   {"-global", &ReadBack::global},
  };
  return all;
}

}  // namespace

bool is_read_back(const std::string& option, const std::string& key) {
  const auto found = unread().find(option);
  return found == unread().end() || (!found->second.contains(key) && !found->second.contains("*"));
}

std::vector<std::string> read_back(Answers& answers, pid_t pid, const std::vector<Option>& options,
                                   const std::vector<std::string>& sockets) {
  for (;;) {
    auto differences = ReadBack{answers, pid, options, sockets}.differences();
    if (!answers.fetch()) return differences;
  }
}

}  // namespace visor::test
