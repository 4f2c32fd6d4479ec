// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace visor::test {

/// Long enough for an emulator on a loaded machine; no test passes or fails by it.
inline constexpr std::chrono::milliseconds told_limit{60'000};

/// What a running QEMU says that it was told, each asked once.
class Told {
 public:
  /// `monitor` is the path of its socket.
  Told(const std::string& monitor, int pid);

  [[nodiscard]] std::string name();
  /// A property of an object, by any end of its path that is unique; nothing when it is no text.
  [[nodiscard]] std::optional<std::string> property(const std::string& path, const std::string& name);
  /// The file of a block node; of a drive that -drive made.
  [[nodiscard]] std::optional<std::string> node_file(const std::string& node);
  [[nodiscard]] std::optional<std::string> drive_file(const std::string& device);
  /// How a character device describes itself.
  [[nodiscard]] std::optional<std::string> chardev(const std::string& label);
  [[nodiscard]] bool has_device(const std::string& id);
  /// A parameter of the kernel, read as the kernel reads its command line.
  [[nodiscard]] std::optional<std::string> kernel_param(const std::string& key);
  /// The content of a file of the firmware configuration, read through its ports as a PC's firmware does.
  [[nodiscard]] std::optional<std::string> blob(const std::string& name);
  /// The files and folders that the process has open.
  [[nodiscard]] const std::set<std::string>& open_files() const { return open_files_; }

 private:
  Value ask(const std::string& command, Value arguments = {});
  std::optional<std::string> found(const Value& list, const char* key, const std::string& name, const char* member);
  std::string read_ports(std::size_t selector, std::size_t offset, std::size_t size);

  std::unique_ptr<sdk::qmp::Client> client_;
  std::set<std::string> open_files_;
  std::map<std::string, Value> answers_;
  std::map<std::string, std::pair<std::size_t, std::size_t>> blobs_;  // size and selector, by name
};

}  // namespace visor::test
