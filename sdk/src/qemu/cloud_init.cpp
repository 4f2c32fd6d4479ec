// SPDX-License-Identifier: Apache-2.0
// From what is configured of a cloud-init disk to the disk.
#include "cloud_init.hpp"

#include "iso_tool.hpp"
#include "plan/plan.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/cloud_init.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace visor::sdk {
namespace {

constexpr std::chrono::seconds tool_limit{30};
constexpr std::size_t longest_host_name = 64;  // HOST_NAME_MAX of Linux

bool is_host_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= longest_host_name && std::ranges::all_of(name, fits) && name.front() != '-' &&
         name.front() != '.';
}

/// What a guest needs to know who it is: JSON, which is YAML as well. A new id makes cloud-init set the guest up anew.
std::string standard_meta_data(const VmConfig& config, const std::string& id, CloudInitSource source) {
  const bool drive = source == CloudInitSource::config_drive;
  auto value = Value::map({{drive ? "uuid" : "instance-id", id}});
  const auto& name = is_host_name(config.name) ? config.name : id;
  if (is_host_name(name)) value.set(drive ? "hostname" : "local-hostname", name);
  return to_json(value) + '\n';
}

/// The text itself, or what is in the file.
std::string text_of(const std::string& field, const std::string& text, const std::string& path) {
  if (path.empty()) return text;
  try {
    (void)plan::inspect_file(path);  // a pipe would be waited for
    return read_file(path, max_cloud_init_text);
  } catch (const Error& error) {
    throw Error(error.code(), field + ": " + error.message());
  }
}

/// What cloud-init takes for user data begins with one of these, or is compressed; it ignores the rest.
bool has_known_beginning(std::string_view text) {
  // cloud-init: cloudinit/handlers/__init__.py, INCLUSION_TYPES_MAP
  static constexpr std::array beginnings{
      "#cloud-config", "#!",           "#include",      "#cloud-boothook", "#part-handler",
      "## template",   "#upstart-job", "Content-Type:", "MIME-Version:",   "\x1f\x8b"};
  return text.empty() || std::ranges::any_of(beginnings, [&](const char* one) { return text.starts_with(one); });
}

/// The folders that make_cloud_init_disk() works in, should a process have been killed while it did.
void remove_left_overs(const std::filesystem::path& run_dir) noexcept try {
  for (const auto& entry : std::filesystem::directory_iterator{run_dir}) {
    if (entry.path().filename().string().starts_with(cloud_init_scratch)) std::filesystem::remove_all(entry.path());
  }
} catch (const std::exception&) {  // the next one tries again
}

}  // namespace

std::filesystem::path cloud_init_disk(const std::filesystem::path& run_dir) { return run_dir / "cloud-init.iso"; }

void remove_cloud_init(const std::filesystem::path& run_dir) noexcept {
  ::unlink(cloud_init_disk(run_dir).c_str());
  remove_left_overs(run_dir);
}

void make_cloud_init(const Driver& driver, const VmConfig& config, const std::string& id,
                     const std::filesystem::path& run_dir, const CallContext& call) {
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    const auto* const cloud = std::get_if<CloudInitConfig>(&config.devices[i]);
    if (cloud == nullptr) continue;
    const auto device = plan::device_path(config, i);
    call.report("cloud-init");
    remove_cloud_init(run_dir);  // of a process that was killed meanwhile
    CloudInitData data{
        .source = cloud->source,
        .user_data = text_of(device + ".user_data_path", cloud->user_data, cloud->user_data_path),
        .meta_data = text_of(device + ".meta_data_path", cloud->meta_data, cloud->meta_data_path),
        .network_config = text_of(device + ".network_config_path", cloud->network_config, cloud->network_config_path)};
    if (!has_known_beginning(data.user_data)) {
      driver.log(LogLevel::warning, id,
                 device + ": cloud-init will ignore user data that begins with none of its " +
                     "words; the first line is #cloud-config for a configuration, #! for a script");
    }
    if (data.meta_data.empty()) data.meta_data = standard_meta_data(config, id, cloud->source);
    try {
      const auto limited = call.at_most(tool_limit);  // the tool's own stages are none of the start's
      make_cloud_init_disk(data, cloud_init_disk(run_dir), CallContext{limited.deadline(), limited.cancel()});
    } catch (const Error& error) {
      throw Error(error.code(), device + ": " + error.message());
    }
  }
}

}  // namespace visor::sdk
