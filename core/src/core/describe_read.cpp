// SPDX-License-Identifier: Apache-2.0
#include "describe_check.hpp"
#include "describe_codec.hpp"
#include "describe_sections.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor {
namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): core's own

/// Nobody reads more at once, and a hostile file must not cost more.
constexpr std::size_t most_problems = 50;

/// Other programs' words for a key.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> foreign_words{
    {{"append", "kernel_params"}, {"cmdline", "kernel_params"}}};

/// Where the configuration has a key of this name, lists left out: "'machine.type' or 'console.type'".
std::string places_of(std::string_view key, const Section& table, const std::string& path = {}) {
  std::string places;
  for (const auto& field : table.fields) {
    const auto here = joined_path(path, field.key);
    auto more = field.kind == FieldKind::section ? places_of(key, *field.section, here) : std::string{};
    if (field.key == key) more = "'" + here + "'";
    if (!more.empty()) places += (places.empty() ? "" : " or ") + more;
  }
  return places;
}

std::string place_elsewhere(std::string_view key) {
  const auto foreign = std::ranges::find(foreign_words, key, &std::pair<std::string_view, std::string_view>::first);
  return places_of(foreign == foreign_words.end() ? key : foreign->second, vm_config_section());
}

/// Fills structs from plain data by their tables and collects what is wrong.
class Reader {
 public:
  explicit Reader(std::vector<ConfigProblem>& problems) : problems_{problems} {}

  /// `extra` is a key that this section may have beside its fields, and that is read elsewhere.
  void section(const Section& table, void* object, const Value& value, const std::string& path,
               std::string_view extra = {}) {
    if (!value.is_map()) return report(value, path, [&] { throw_expected("a map of settings", value); });
    std::map<std::string_view, Mark> seen;
    for (const auto& [key, member] : value.as_map()) {
      if (problems_.size() > most_problems) return;
      const auto here = joined_path(path, key);
      if (const auto [first, fresh] = seen.emplace(key, member.mark()); !fresh) {
        const auto line = first->second.line;
        add(member, here, "This key was given already" + (line == 0 ? "" : " in line " + std::to_string(line)));
      } else if (const auto* known = table.find(key)) {
        field(*known, object, member, here);
      } else if (key != extra) {
        unknown(table, member, here, key, extra);
      }
    }
    for (const auto& one : table.fields) {
      if (one.required && !seen.contains(one.key)) {
        add(value, joined_path(path, one.key), "Missing: " + std::string{one.doc});
      }
    }
  }

  void device(DeviceConfig& device, const Value& value, const std::string& path) {
    const auto before = problems_.size();
    const auto index = device_index(value, path);
    if (!index) return;
    device = make_device(*index);
    section(device_sections()[*index], object_of(device), value, path, "type");
    if (problems_.size() != before) return;
    for (auto& text : device_problems(device)) add(value, path, std::move(text));
  }

 private:
  void field(const Field& field, void* object, const Value& value, const std::string& path) {
    switch (field.kind) {
      case FieldKind::section:
        return section(*field.section, field.member(object), value, path);
      case FieldKind::sections:
        return items(value, path, [&](const Value& item, const std::string& here) {
          section(*field.section, field.member(object), item, here);
        });
      case FieldKind::devices: {
        auto& list = *static_cast<std::vector<DeviceConfig>*>(field.member(object));
        return items(value, path,
                     [&](const Value& item, const std::string& here) { device(list.emplace_back(), item, here); });
      }
      default:
        report(value, path, [&] {
          if (is_missing(field, value)) throw Error(Errc::invalid_config, "Must not be empty");
          check_value(field, value);
          field.set(object, value);
        });
    }
  }

  template <class Each>
  void items(const Value& value, const std::string& path, const Each& each) {
    if (value.kind() != Value::Kind::list) return report(value, path, [&] { throw_expected("a list", value); });
    for (std::size_t i = 0; i < value.as_list().size() && problems_.size() <= most_problems; ++i) {
      each(value.as_list()[i], indexed_path(path, i));
    }
  }

  std::optional<std::size_t> device_index(const Value& value, const std::string& path) {
    static const auto types = [] {
      std::vector<std::string_view> names;
      for (const auto& table : device_sections()) names.push_back(table.name);
      return names;
    }();
    std::optional<std::size_t> index;
    report(value, path, [&] {
      if (!value.is_map()) throw_expected("a map with a `type`", value);
      if (value.find("type") == nullptr) throw Error(Errc::invalid_config, "Missing `type`, one of " + joined(types));
    });
    if (const auto* type = value.find("type")) {
      report(*type, joined_path(path, "type"), [&] { index = decode_choice(*type, types); });
    }
    return index;
  }

  void unknown(const Section& table, const Value& member, const std::string& path, std::string_view key,
               std::string_view extra) {
    std::vector<std::string_view> keys;
    for (const auto& field : table.fields) keys.push_back(field.key);
    if (!extra.empty()) keys.push_back(extra);
    const auto near = nearest(key, keys);
    const bool of_device = !extra.empty();  // a device has nothing of the VM's
    const auto meant = !near.empty() ? "'" + std::string{near} + "'" : of_device ? "" : place_elsewhere(key);
    add(member, path,
        "Unknown key" + (meant.empty() ? ". Valid are: " + joined(keys) : ", did you mean " + meant + "?"));
  }

  template <class Function>
  void report(const Value& value, const std::string& path, const Function& function) {
    try {
      function();
    } catch (const Error& error) {
      add(value, path, error.message());
    }
  }

  void add(const Value& value, std::string path, std::string text) {
    if (problems_.size() < most_problems) {
      problems_.push_back({value.mark(), std::move(path), std::move(text)});
    } else if (problems_.size() == most_problems) {
      problems_.push_back({value.mark(), "", "More problems are not shown"});
    }
  }

  std::vector<ConfigProblem>& problems_;
};

}  // namespace

const Field* Section::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(fields, key, &Field::key);
  return found == fields.end() ? nullptr : &*found;
}

VmConfig vm_config_from_value(const Value& value, std::vector<ConfigProblem>& problems) {
  VmConfig config;
  Reader{problems}.section(vm_config_section(), &config, value, {});
  return config;
}

VmConfig vm_config_from_value(const Value& value) {
  std::vector<ConfigProblem> problems;
  auto config = vm_config_from_value(value, problems);
  if (!problems.empty()) throw Error(Errc::invalid_config, problems_text(problems));
  return config;
}

DeviceConfig device_config_from_value(const Value& value) {
  std::vector<ConfigProblem> problems;
  DeviceConfig device;
  Reader{problems}.device(device, value, {});
  if (!problems.empty()) throw Error(Errc::invalid_config, problems_text(problems));
  return device;
}

}  // namespace visor
