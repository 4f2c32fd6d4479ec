// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/config_file.hpp"

#include "config_yaml.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

namespace visor {
namespace {

void collect_marks(const Value& value, const std::string& path, ConfigMarks& marks) {
  if (!path.empty()) marks.emplace(path, value.mark());
  if (value.is_map()) {
    for (const auto& [key, member] : value.as_map()) {
      collect_marks(member, path.empty() ? key : path + '.' + key, marks);
    }
  } else if (value.is_list()) {
    const auto& items = value.as_list();
    for (std::size_t i = 0; i < items.size(); ++i) {
      collect_marks(items[i], path + '[' + std::to_string(i) + ']', marks);
    }
  }
}

}  // namespace

VmConfig load_config_text(std::string_view text, std::string_view name, const std::filesystem::path& folder,
                          ConfigMarks* marks) {
  if (text.size() > max_config_bytes) {
    throw Error(Errc::exhausted, std::string{name} + " is larger than " + std::to_string(max_config_bytes) + " bytes");
  }
  std::vector<ConfigProblem> problems;
  const auto value = detail::parse_yaml(text, name);
  auto config = vm_config_from_value(value, problems);
  if (!problems.empty()) throw Error(Errc::invalid_config, problems_text(problems, name));
  if (marks != nullptr) collect_marks(value, {}, *marks);
  if (!folder.empty()) resolve_paths(config, folder.string());
  return config;
}

VmConfig load_config(const std::filesystem::path& path, ConfigMarks* marks) {
  const auto text = read_file(path, max_config_bytes);
  return load_config_text(text, path.string(), std::filesystem::absolute(path).parent_path(), marks);
}

}  // namespace visor
