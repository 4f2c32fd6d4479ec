// SPDX-License-Identifier: Apache-2.0
// What is wrong with a device, in the words of the configuration: "devices[3].serial: must not be longer than …".
#include "device_builder.hpp"

#include <algorithm>

namespace visor::sdk::plan::detail {
namespace {

/// The key of a configured device that a field of a device struct was made of; empty when there is none.
std::string_view key_of(const Section* section, std::string_view field) {
  static constexpr std::pair<std::string_view, std::string_view> renamed[] = {
      {"file", "path"},          {"guest_cid", "cid"},  {"ifname", "interface"}, {"mount_tag", "tag"},
      {"path", "socket"},        {"path", "interface"}, {"path", "backing_dir"}, {"security_model", "security"},
      {"sysfsdev", "sysfs_path"}};
  if (section == nullptr || field.empty()) return {};
  if (section->find(field) != nullptr) return field;
  for (const auto& [ours, configured] : renamed) {
    if (ours == field && section->find(configured) != nullptr) return configured;
  }
  return {};
}

std::string path_of(const std::string& device, std::string_view key) {
  return key.empty() ? device : device + '.' + std::string{key};
}

}  // namespace

void refuse(Errc code, const std::string& why) { throw Refusal(code, "", why); }

void refuse_field(Errc code, std::string_view field, const std::string& why) { throw Refusal(code, field, why); }

void DeviceBuilder::build(std::size_t index, const DeviceConfig& device) {
  because(device_path(input_.config, index));
  section_ = &*std::ranges::find(device_sections(), device_type(device), &Section::name);
  build(device);
  section_ = nullptr;
}

void DeviceBuilder::build(const DeviceConfig& device) {
  plan_.problems.gather([&] {
    try {
      std::visit(*this, device);
    } catch (const Refusal& refusal) {
      throw Error(refusal.code(), path_of(because_, refusal.field()) + ": " + refusal.message());
    }
  });
}

void note(Plan& plan, const std::string& path, const Section* section, const DeviceError& error) {
  for (const auto& problem : error.problems()) {
    const auto key = key_of(section, problem.field);
    const auto what = key.empty() && !problem.field.empty() ? std::string{problem.field} + ' ' : std::string{};
    plan.problems.add(problem.code, path_of(path, key) + ": " + what + problem.text);
  }
}

}  // namespace visor::sdk::plan::detail
