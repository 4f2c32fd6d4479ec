// SPDX-License-Identifier: Apache-2.0
// The words of the refusals are QEMU 7.2's, measured.
#include "backends.hpp"

#include "refusal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace visor::testing {
namespace {

constexpr std::array chardev_types = {"file", "null", "pipe", "pty", "ringbuf", "serial", "socket", "stdio", "udp"};
constexpr std::array node_drivers = {
    "raw", "file", "host_device", "host_cdrom",   "null-co", "null-aio", "qcow2", "nbd",  "vmdk", "vpc",
    "vdi", "luks", "throttle",    "copy-on-read", "vhdx",    "io_uring", "nvme",  "http", "https"};
constexpr std::array netdev_types = {"user",  "tap",        "bridge",     "socket",  "stream",
                                     "dgram", "vhost-user", "vhost-vdpa", "hubport", "l2tpv3"};
constexpr std::array object_types = {"memory-backend-ram",
                                     "memory-backend-file",
                                     "memory-backend-memfd",
                                     "iothread",
                                     "rng-random",
                                     "rng-builtin",
                                     "secret",
                                     "throttle-group",
                                     "tls-creds-x509",
                                     "filter-dump",
                                     "main-loop",
                                     "sev-guest"};

bool is_one_of(const auto& list, std::string_view word) { return std::ranges::find(list, word) != list.end(); }

void need_one_of(const auto& list, std::string_view word, const std::string& parameter) {
  if (!is_one_of(list, word)) {
    refuse("Parameter '" + parameter + "' does not accept value '" + std::string{word} + "'");
  }
}

/// A property stands at the device inside of a proxy: virtio-blk-pci has its drive at virtio-blk-device.
std::string owner_of_property(const std::string& driver) {
  for (const std::string_view bus : {"-pci", "-ccw"}) {
    if (driver.starts_with("virtio-") && driver.ends_with(bus)) {
      return driver.substr(0, driver.size() - bus.size()) + "-device";
    }
  }
  return driver;
}

bool is_on(const Value* value) { return value != nullptr && (*value == Value{true} || *value == Value{"on"}); }

}  // namespace

const std::array<Backends::Kind, 6> Backends::kinds{{{"drive", &Backends::nodes_},
                                                     {"chardev", &Backends::chardevs_},
                                                     {"netdev", &Backends::netdevs_},
                                                     {"memdev", &Backends::objects_},
                                                     {"iothread", &Backends::objects_},
                                                     {"rng", &Backends::objects_}}};

Backends::Backends(const CommandLine& line, const Profile& profile) : profile_{profile} {
  for (const auto& socket : line.sockets) chardevs_[socket.id] = {Value::map({{"type", "socket"}}), "-"};
  for (const auto& node : line.nodes) add_node(node);
  for (const auto& netdev : line.netdevs) netdevs_[text_of(netdev.at("id"))] = {netdev};
  for (const auto& object : line.objects) objects_[text_of(object.at("id"))] = {object};
}

Value Backends::add_chardev(const Value& arguments) {
  Arguments given{arguments};
  const auto id = given.text("id");
  Arguments backend{given.map("backend"), "backend."};
  const auto type = backend.text("type");
  const auto& data = backend.map("data");
  given.refuse_rest();
  need_one_of(chardev_types, type, "type");
  if (type == "socket") {
    Arguments socket{data, "backend.data."};
    (void)socket.map("addr");
    const bool server = socket.boolean("server").value_or(true);
    const bool waits = socket.boolean("wait").has_value();
    for (const auto* key :
         {"reconnect", "telnet", "tn3270", "websocket", "nodelay", "tls-creds", "tls-authz", "logfile", "logappend"}) {
      (void)socket.find(key);
    }
    if (profile_.has_reconnect_ms) (void)socket.find("reconnect-ms");
    socket.refuse_rest();
    if (!server && waits) {
      refuse("Failed to add chardev '" + id + "': 'wait' option is incompatible with socket in client connect mode");
    }
  }
  if (chardevs_.contains(id)) refuse("Chardev with id '" + id + "' already exists");
  chardevs_[id] = {given.map("backend")};
  return type == "pty" ? Value::map({{"pty", "/dev/pts/" + std::to_string(chardevs_.size())}}) : Value::map();
}

void Backends::remove_chardev(const Value& arguments) {
  Arguments given{arguments};
  const auto id = given.text("id");
  given.refuse_rest();
  const auto found = chardevs_.find(id);
  if (found == chardevs_.end()) refuse("Chardev '" + id + "' not found");
  if (!found->second.user.empty()) refuse("Chardev '" + id + "' is busy");
  chardevs_.erase(found);
}

void Backends::add_node(const Value& arguments) {
  Arguments given{arguments};
  const auto driver = given.text("driver");
  need_one_of(node_drivers, driver, "driver");
  const auto name = given.text("node-name", "");
  if (name.empty()) refuse("'node-name' must be specified for the root node");
  if (!is_identifier(name)) refuse("Invalid node-name: '" + name + "'");
  if (name.size() > 31) refuse("Node name too long");
  if (nodes_.contains(name)) refuse("Duplicate nodes with node-name='" + name + "'");
  nodes_[name] = {arguments};
  const auto* const file = given.find("file");
  if (file == nullptr || !file->is_string()) return;
  const auto below = nodes_.find(file->as_string());
  if (below == nodes_.end()) {
    nodes_.erase(name);
    refuse("Cannot find device='" + file->as_string() + "' nor node-name='" + file->as_string() + "'");
  }
  below->second.user = "node " + name;
}

void Backends::remove_node(const Value& arguments) {
  Arguments given{arguments};
  const auto name = given.text("node-name");
  given.refuse_rest();
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) refuse("Failed to find node with node-name='" + name + "'");
  if (!found->second.user.empty()) refuse("Node " + name + " is in use");
  nodes_.erase(found);
  detach("node " + name);
}

void Backends::add_netdev(const Value& arguments) {
  Arguments given{arguments};
  const auto id = given.text("id");
  need_one_of(netdev_types, given.text("type"), "type");
  (void)given.boolean("vhost");
  if (!is_identifier(id)) refuse("Parameter 'id' expects an identifier");
  if (netdevs_.contains(id)) refuse("Duplicate ID '" + id + "'");
  for (const auto* key : {"fds", "vhostfds", "fd", "vhostfd"}) take_fds(given.text(key, ""));
  netdevs_[id] = {arguments};
}

/// A name is used up as soon as it is reached, also when the command fails later.
void Backends::take_fds(const std::string& names) {
  for (std::size_t at = 0; at < names.size();) {
    const auto end = std::min(names.find(':', at), names.size());
    const auto name = names.substr(at, end - at);
    (void)take_fd(name);
    at = end + 1;
  }
}

UniqueFd Backends::take_fd(const std::string& name) {
  const auto found = fds_.find(name);
  if (found == fds_.end()) refuse("File descriptor named '" + name + "' has not been found");
  auto fd = std::move(found->second);
  fds_.erase(found);
  return fd;
}

void Backends::name_fd(const Value& arguments) {
  Arguments given{arguments};
  const auto name = given.text("fdname");
  given.refuse_rest();
  if (!pending_fd_) refuse("No file descriptor supplied via SCM_RIGHTS");
  auto fd = std::exchange(pending_fd_, UniqueFd{});
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) {
    refuse("Parameter 'fdname' expects a name not starting with a digit");
  }
  fds_[name] = std::move(fd);
}

void Backends::close_fd(const Value& arguments) {
  Arguments given{arguments};
  const auto name = given.text("fdname");
  given.refuse_rest();
  if (fds_.erase(name) == 0) refuse("File descriptor named '" + name + "' not found");
}

/// Succeeds for one that a device has: its peer is left without.
void Backends::remove_netdev(const Value& arguments) {
  Arguments given{arguments};
  const auto id = given.text("id");
  given.refuse_rest();
  if (netdevs_.erase(id) == 0) no_such_device(id);
}

void Backends::add_object(const Value& arguments) {
  Arguments given{arguments};
  const auto type = given.text("qom-type");
  const auto id = given.text("id");
  need_one_of(object_types, type, "qom-type");
  if (type.starts_with("memory-backend-")) {
    const auto* const size = given.find("size");
    if (size == nullptr) refuse("Parameter 'size' is missing");
    if (size->kind() != Value::Kind::integer) refuse("Parameter 'size' expects uint64");
  }
  if (objects_.contains(id)) {
    refuse("attempt to add duplicate property '" + id + "' to object (type 'container')");
  }
  objects_[id] = {arguments};
}

void Backends::remove_object(const Value& arguments) {
  Arguments given{arguments};
  const auto id = given.text("id");
  given.refuse_rest();
  const auto found = objects_.find(id);
  if (found == objects_.end()) refuse("object '" + id + "' not found");
  if (!found->second.user.empty()) refuse("object '" + id + "' is in use, can not be deleted");
  objects_.erase(found);
}

Value Backends::list_chardevs() const {
  auto all = Value::list();
  for (const auto& [id, backend] : chardevs_) {
    all.push_back(Value::map(
        {{"frontend-open", !backend.user.empty()}, {"filename", text_of(backend.options.at("type"))}, {"label", id}}));
  }
  return all;
}

Value Backends::list_nodes() const {
  auto all = Value::list();
  for (const auto& [name, backend] : nodes_) {
    all.push_back(Value::map({{"node-name", name},
                              {"drv", text_of(backend.options.at("driver"))},
                              {"ro", is_on(backend.options.find("read-only"))}}));
  }
  return all;
}

Value Backends::list_iothreads() const {
  auto all = Value::list();
  for (const auto& [id, backend] : objects_) {
    if (text_of(backend.options.at("qom-type")) != "iothread") continue;
    all.push_back(Value::map({{"id", id},
                              {"thread-id", ::getpid()},
                              {"poll-max-ns", 32768},
                              {"poll-grow", 0},
                              {"poll-shrink", 0},
                              {"aio-max-batch", 0}}));
  }
  return all;
}

std::uint64_t Backends::size_of_object(const std::string& id) const {
  const auto found = objects_.find(id);
  const auto* const size = found == objects_.end() ? nullptr : found->second.options.find("size");
  return size == nullptr ? 0 : number_of(*size).value_or(0);
}

void Backends::check(const std::string& driver, const Value& properties) const {
  for (const auto& kind : kinds) {
    const auto* const named = properties.find(kind.property);
    if (named == nullptr) continue;
    const auto id = text_of(*named);
    const auto& table = this->*kind.table;
    const auto found = table.find(id);
    const auto where = "Property '" + owner_of_property(driver) + "." + std::string{kind.property} + "' can't ";
    if (found == table.end()) {
      if (&table == &objects_) no_such_device(id);
      refuse(where + "find value '" + id + "'");
    }
    if (found->second.user.empty() || kind.property == "iothread" || kind.property == "rng") continue;
    if (kind.property == "memdev") refuse("can't use already busy memdev: " + id);
    if (kind.property != "drive") refuse(where + "take value '" + id + "': Device '" + id + "' is in use");
    if (!is_on(properties.find("share-rw"))) {
      refuse("Permission conflict on node '" + id + "': permissions 'write' are both required by block device '" +
             found->second.user + "' (uses node '" + id + "' as 'root' child) and unshared by another.");
    }
  }
}

void Backends::attach(const std::string& device_path, const Value& properties) {
  for (const auto& kind : kinds) {
    const auto* const named = properties.find(kind.property);
    if (named == nullptr) continue;
    auto& table = this->*kind.table;
    if (const auto found = table.find(text_of(*named)); found != table.end()) found->second.user = device_path;
  }
}

void Backends::detach(const std::string& device_path) {
  for (auto* const table : {&chardevs_, &nodes_, &netdevs_, &objects_}) {
    for (auto& [id, backend] : *table) {
      if (backend.user == device_path) backend.user.clear();
    }
  }
}

}  // namespace visor::testing
