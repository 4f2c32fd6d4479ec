// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/config_file.hpp"

#include "config_yaml.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

namespace visor {

VmConfig load_config_text(std::string_view text, std::string_view name, const std::filesystem::path& folder) {
  if (text.size() > max_config_bytes) {
    throw Error(Errc::exhausted, std::string{name} + " is larger than " + std::to_string(max_config_bytes) + " bytes");
  }
  std::vector<ConfigProblem> problems;
  auto config = vm_config_from_value(detail::parse_yaml(text, name), problems);
  if (!problems.empty()) throw Error(Errc::invalid_config, problems_text(problems, name));
  if (!folder.empty()) resolve_paths(config, folder.string());
  return config;
}

VmConfig load_config(const std::filesystem::path& path) {
  const auto text = read_file(path, max_config_bytes);
  return load_config_text(text, path.string(), std::filesystem::absolute(path).parent_path());
}

}  // namespace visor
