// SPDX-License-Identifier: Apache-2.0
#include "command_line.hpp"

#include "arguments.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <utility>

namespace visor::testing {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error(Errc::invalid_config, what); }

std::string member(const Value& options, std::string_view key) {
  const auto* const value = options.find(key);
  return value == nullptr ? std::string{} : text_of(*value);
}

std::optional<std::uint64_t> number(const Value& options, std::string_view key, const std::string& option) {
  const auto* const value = options.find(key);
  if (value == nullptr) return std::nullopt;
  const auto found = number_of(*value);
  if (!found) fail(option + ": '" + std::string{key} + "' must be a number, not '" + text_of(*value) + "'");
  return found;
}

/// The next item of a list, "a,,b" being one with a comma in it.
std::string next_item(std::string_view& list) {
  std::string item;
  while (!list.empty()) {
    if (list.front() == ',' && !list.starts_with(",,")) break;
    item += list.front();
    list.remove_prefix(list.front() == ',' ? 2 : 1);
  }
  if (!list.empty()) list.remove_prefix(1);
  return item;
}

std::pair<std::string, std::string> key_and_value(const std::string& word) {
  const auto equals = word.find('=');
  return {word.substr(0, equals), equals == std::string::npos ? std::string{} : word.substr(equals + 1)};
}

class Parser {
 public:
  CommandLine parse(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i] == "-S") line_.paused = true;
      const auto found = std::ranges::find(options, arguments[i], &Option::name);
      if (found == options.end()) continue;
      if (i + 1 == arguments.size()) fail(arguments[i] + " needs a value");
      (this->*found->take)(arguments[++i]);
    }
    return std::move(line_);
  }

 private:
  struct Option {
    std::string_view name;
    void (Parser::*take)(const std::string& value);
  };
  static const std::array<Option, 18> options;

  void fake(const std::string& word) {
    const auto [key, value] = key_and_value(word);
    const bool is_yaml = value.ends_with(".yaml") || value.ends_with(".yml");
    if (key != "script" || is_yaml) {
      line_.fixed_words[key] = value;
    } else {
      line_.words_file = value;
    }
    line_.words = current_words(line_);
  }

  void chardev(const std::string& value) {
    const auto given = parse_options(value, "backend");
    if (member(given, "backend") != "socket") return;
    SocketOption socket{member(given, "id"), -1, member(given, "path")};
    if (const auto fd = number(given, "fd", "-chardev")) socket.fd = static_cast<int>(*fd);
    if (socket.fd < 0 && socket.path.empty()) fail("-chardev " + socket.id + ": this QEMU needs fd= or path=");
    socket.connects = !socket.path.empty() && member(given, "server") != "on";
    line_.sockets.push_back(std::move(socket));
  }

  void qmp(const std::string& value) {
    const auto given = parse_options(value, "where");
    const auto where = member(given, "where");
    if (!where.starts_with("unix:") || where.size() == 5) fail("-qmp: this QEMU has unix:PATH alone");
    const auto id = "compat_monitor" + std::to_string(line_.monitors.size());
    line_.sockets.push_back({id, -1, where.substr(5)});
    line_.monitors.push_back(id);
  }

  void mon(const std::string& value) { line_.monitors.push_back(member(parse_options(value, "chardev"), "chardev")); }
  void serial(const std::string& value) {
    if (value.starts_with("chardev:")) line_.console = value.substr(8);
  }
  void global(const std::string& value) {
    if (value == "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off") line_.acpi_hotplug = false;
  }
  void incoming(const std::string& value) {
    if (value != "defer") fail("-incoming: this QEMU has defer alone");
    line_.incoming = true;
  }
  void append(const std::string& value) { line_.kernel_line = value; }
  void machine(const std::string& value) { line_.machine = member(parse_options(value, "type"), "type"); }
  void cpu(const std::string& value) { line_.cpu = member(parse_options(value, "model"), "model"); }
  void name(const std::string& value) { line_.name = member(parse_options(value, "guest"), "guest"); }
  void uuid(const std::string& value) { line_.uuid = value; }
  void device(const std::string& value) { line_.devices.push_back(parse_options(value, "driver")); }
  void object(const std::string& value) { line_.objects.push_back(parse_options(value, "qom-type")); }
  void blockdev(const std::string& value) { line_.nodes.push_back(parse_options(value, "driver")); }
  void netdev(const std::string& value) { line_.netdevs.push_back(parse_options(value, "type")); }

  void memory(const std::string& value) {
    auto given = parse_options(value, "size");
    const auto size = member(given, "size");
    // Without a unit it is MiB.
    if (!size.empty() && size.find_first_not_of("0123456789") == std::string::npos) given.set("size", size + "M");
    line_.memory_bytes = number(given, "size", "-m").value_or(line_.memory_bytes);
  }

  void smp(const std::string& value) {
    constexpr std::uint64_t most = 4096;
    const auto given = parse_options(value, "cpus");
    auto& smp = line_.topology;
    smp.cpus = number(given, "cpus", "-smp").value_or(1);
    smp.max_cpus = number(given, "maxcpus", "-smp").value_or(smp.cpus);
    smp.threads = number(given, "threads", "-smp").value_or(1);
    smp.sockets = number(given, "sockets", "-smp").value_or(1);
    const auto bad = [](std::uint64_t n) { return n == 0 || n > most; };
    if (bad(smp.cpus) || bad(smp.max_cpus) || bad(smp.threads) || bad(smp.sockets) || smp.max_cpus < smp.cpus) {
      fail("-smp: these numbers make no machine: " + value);
    }
    const auto rest = std::max<std::uint64_t>(1, smp.max_cpus / (smp.sockets * smp.threads));
    smp.cores = std::clamp<std::uint64_t>(number(given, "cores", "-smp").value_or(rest), 1, most);
  }

  CommandLine line_;
};

const std::array<Parser::Option, 18> Parser::options{{{"-fake", &Parser::fake},
                                                      {"-incoming", &Parser::incoming},
                                                      {"-chardev", &Parser::chardev},
                                                      {"-qmp", &Parser::qmp},
                                                      {"-mon", &Parser::mon},
                                                      {"-serial", &Parser::serial},
                                                      {"-global", &Parser::global},
                                                      {"-append", &Parser::append},
                                                      {"-machine", &Parser::machine},
                                                      {"-cpu", &Parser::cpu},
                                                      {"-name", &Parser::name},
                                                      {"-uuid", &Parser::uuid},
                                                      {"-device", &Parser::device},
                                                      {"-object", &Parser::object},
                                                      {"-blockdev", &Parser::blockdev},
                                                      {"-netdev", &Parser::netdev},
                                                      {"-m", &Parser::memory},
                                                      {"-smp", &Parser::smp}}};

}  // namespace

Value parse_options(std::string_view text, std::string_view implied) {
  if (text.starts_with('{')) return parse_json(text);
  auto options = Value::map();
  while (!text.empty()) {
    const auto item = next_item(text);
    const auto equals = item.find('=');
    if (equals != std::string::npos) {
      options.set(item.substr(0, equals), item.substr(equals + 1));
    } else if (options.as_map().empty()) {
      options.set(implied, item);
    } else {
      options.set(item, "on");
    }
  }
  return options;
}

std::map<std::string, std::string> current_words(const CommandLine& line) {
  auto words = line.fixed_words;
  // As long as no file is there, there are no words.
  std::ifstream file{line.words_file};
  for (std::string one; std::getline(file, one);) {
    if (one.starts_with("script=")) {
      fail("-fake script=" + line.words_file + ": a file of words cannot name another script");
    }
    auto [key, value] = key_and_value(one);
    if (!one.empty()) words[key] = value;
  }
  return words;
}

CommandLine parse_command_line(const std::vector<std::string>& arguments) { return Parser{}.parse(arguments); }

}  // namespace visor::testing
