// SPDX-License-Identifier: Apache-2.0
#include "told.hpp"

#include "visor/core/json.hpp"
#include "visor/sdk/qmp/batch.hpp"
#include "visor/sdk/qmp/commands/qom.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace visor::test {
namespace {

constexpr std::size_t directory_selector = 0x19;  // qemu: docs/specs/fw_cfg.txt
constexpr std::size_t entry_bytes = 64;

std::size_t big_endian(const std::string& bytes, std::size_t at, std::size_t size) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8U | static_cast<unsigned char>(bytes.at(at + i));
  return number;
}

sdk::qmp::Command monitor_line(std::string line) {
  return {.name = "human-monitor-command", .arguments = Value::map({{"command-line", std::move(line)}})};
}

/// linux: lib/cmdline.c, next_arg(): blanks outside of double quotes part; the quotes of a value are dropped.
std::vector<std::pair<std::string, std::string>> kernel_params_of(const std::string& line) {
  std::vector<std::pair<std::string, std::string>> params;
  for (std::size_t at = 0; at < line.size();) {
    const auto begin = at;
    bool quoted = false;
    for (; at < line.size() && (quoted || line[at] != ' '); ++at) quoted ^= line[at] == '"';
    const auto word = line.substr(begin, at++ - begin);
    const auto equals = word.find('=');
    auto value = equals == std::string::npos ? std::string{} : word.substr(equals + 1);
    if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
    if (!word.empty()) params.emplace_back(word.substr(0, equals), value);
  }
  return params;
}

}  // namespace

Told::Told(const std::string& monitor, int pid) : client_{sdk::qmp::Client::connect(monitor, {}, told_limit)} {
  const auto folder = "/proc/" + std::to_string(pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    std::error_code gone;
    open_files_.insert(std::filesystem::read_symlink(entry.path(), gone).string());
  }
}

Value Told::ask(const std::string& command, Value arguments) {
  const auto question = command + to_json(arguments);
  const auto known = answers_.find(question);
  if (known != answers_.end()) return known->second;
  auto answer = client_->call({.name = command, .arguments = std::move(arguments)}, told_limit).value();
  return answers_.emplace(question, std::move(answer)).first->second;
}

std::optional<std::string> Told::found(const Value& list, const char* key, const std::string& name,
                                       const char* member) {
  for (const auto& item : list.as_list()) {
    const auto* const called = item.find(key);
    const auto* const value = item.find(member);
    if (called != nullptr && value != nullptr && *called == Value{name}) return value->as_string();
  }
  return std::nullopt;
}

std::string Told::name() { return ask("query-name").at("name").as_string(); }

std::optional<std::string> Told::property(const std::string& path, const std::string& name) {
  const auto value = sdk::qmp::qom_get(*client_, path, name, told_limit);
  return value.is_string() ? std::optional{value.as_string()} : std::nullopt;
}

std::optional<std::string> Told::node_file(const std::string& node) {
  return found(ask("query-named-block-nodes", Value::map({{"flat", true}})), "node-name", node, "file");
}

std::optional<std::string> Told::drive_file(const std::string& device) {
  const auto drives = ask("query-block");
  for (const auto& drive : drives.as_list()) {
    const auto* const inserted = drive.find("inserted");
    if (inserted != nullptr && drive.at("device") == Value{device}) return inserted->at("file").as_string();
  }
  return std::nullopt;
}

std::optional<std::string> Told::chardev(const std::string& label) {
  return found(ask("query-chardev"), "label", label, "filename");
}

bool Told::has_device(const std::string& id) {
  const auto devices = ask("qom-list", Value::map({{"path", "/machine/peripheral"}}));
  return std::ranges::any_of(devices.as_list(), [&](const auto& device) { return device.at("name") == Value{id}; });
}

std::optional<std::string> Told::kernel_param(const std::string& key) {
  for (const auto& [name, value] : kernel_params_of(property("/machine", "append").value_or(""))) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::string Told::read_ports(std::size_t selector, std::size_t offset, std::size_t size) {
  constexpr std::size_t at_once = 1024;
  std::vector<sdk::qmp::Command> commands{monitor_line("o /h 0x510 " + std::to_string(selector))};
  commands.resize(1 + offset + size, monitor_line("i /b 0x511"));
  std::string bytes;
  for (std::size_t at = 0; at < commands.size(); at += at_once) {
    const auto first = commands.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = std::min(at_once, commands.size() - at);
    const auto result = sdk::qmp::run_batch(*client_, {first, first + static_cast<std::ptrdiff_t>(count)},
                                            sdk::qmp::BatchMode::pipelined, told_limit);
    result.check();
    for (const auto& outcome : result.outcomes) {
      const auto& text = outcome.value().as_string();  // "portb[0x0511] = 0x00", or nothing for the selector
      const auto equals = text.find("= ");
      if (equals != std::string::npos) bytes += static_cast<char>(std::stoul(text.substr(equals + 2), nullptr, 16));
    }
  }
  return bytes.substr(offset);
}

std::optional<std::string> Told::blob(const std::string& name) {
  if (blobs_.empty()) {
    const auto count = big_endian(read_ports(directory_selector, 0, 4), 0, 4);
    const auto entries = read_ports(directory_selector, 4, count * entry_bytes);
    for (std::size_t at = 0; at < entries.size(); at += entry_bytes) {
      const std::string called = entries.substr(at + 8, entry_bytes - 8).c_str();  // NOLINT: up to its NUL
      blobs_[called] = {big_endian(entries, at, 4), big_endian(entries, at + 4, 2)};
    }
  }
  const auto found = blobs_.find(name);
  if (found == blobs_.end()) return std::nullopt;
  return read_ports(found->second.second, 0, found->second.first);
}

}  // namespace visor::test
