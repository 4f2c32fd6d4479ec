// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "arguments.hpp"
#include "command_line.hpp"
#include "profile.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/value.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace visor::testing {

/// What devices are given: block nodes, character devices, networks, objects. Nothing is opened.
class Backends {
 public:
  Backends(const CommandLine& line, const Profile& profile);

  Value add_chardev(const Value& arguments);
  void remove_chardev(const Value& arguments);
  void add_node(const Value& arguments);
  void remove_node(const Value& arguments);
  void add_netdev(const Value& arguments);
  void remove_netdev(const Value& arguments);
  void add_object(const Value& arguments);
  void remove_object(const Value& arguments);

  /// A descriptor that came with a message; the next getfd takes it.
  void receive(UniqueFd fd) { pending_fd_ = std::move(fd); }
  void name_fd(const Value& arguments);
  /// The descriptor of that name, which is used up.
  UniqueFd take_fd(const std::string& name);
  void close_fd(const Value& arguments);

  [[nodiscard]] Value list_chardevs() const;
  [[nodiscard]] Value list_nodes() const;
  [[nodiscard]] Value list_iothreads() const;
  [[nodiscard]] std::uint64_t size_of_object(const std::string& id) const;

  /// Checks that a device of this driver can have each backend that its properties name.
  void check(const std::string& driver, const Value& properties) const;
  /// Gives them to the device, or takes back all that it has.
  void attach(const std::string& device_path, const Value& properties);
  void detach(const std::string& device_path);

 private:
  struct Backend {
    Value options;
    std::string user = {};  // the path of a device
  };
  using Table = std::map<std::string, Backend, std::less<>>;
  struct Kind {
    std::string_view property;
    Table Backends::* table;
  };
  static const std::array<Kind, 6> kinds;

  void take_fds(const std::string& names);

  Table chardevs_;
  Table nodes_;
  Table netdevs_;
  Table objects_;
  UniqueFd pending_fd_;
  std::map<std::string, UniqueFd, std::less<>> fds_;
  const Profile& profile_;
};

}  // namespace visor::testing
