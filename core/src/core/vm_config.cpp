// SPDX-License-Identifier: Apache-2.0
#include "visor/core/vm_config.hpp"

#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"
#include "vm_config_devices.hpp"

#include <algorithm>

namespace visor {
namespace {

constexpr std::uint32_t default_vcpus = 1;
constexpr std::uint64_t default_memory_mib = 2048;
constexpr std::uint32_t default_slots = 10;
constexpr std::uint32_t default_msize_9p_bytes = 8192;

void note(Problems& problems, std::string_view field, const std::string& why) {
  problems.add(Errc::invalid_config, std::string{field} + ": " + why);
}

template <class Number>
void set_default(Number& value, Number standard) {
  if (value == Number{}) value = standard;
}

void check_tables(const VmConfig& config) {
  std::vector<ConfigProblem> problems;
  check_fields(config, problems);
  if (!problems.empty()) throw Error(Errc::invalid_config, problems_text(problems));
}

void check_hash(Problems& problems, const CustomAsset& asset) {
  constexpr std::size_t digits = 128;
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (asset.sha512.empty() || (asset.sha512.size() == digits && std::ranges::all_of(asset.sha512, is_digit))) return;
  note(problems, "assets",
       "The sha512 of the " + std::string{to_string(asset.kind)} + " must be 128 hexadecimal digits in lower case");
}

/// Gives the fields what the custom assets say, so that whoever reads a field reads the truth.
void apply_assets(Problems& problems, VmConfig& config) {
  for (auto asset = config.assets.begin(); asset != config.assets.end(); ++asset) {
    check_hash(problems, *asset);
    if (std::any_of(config.assets.begin(), asset, [&](const auto& other) { return other.kind == asset->kind; })) {
      note(problems, "assets", "There are two for the " + std::string{to_string(asset->kind)} + ": leave one out");
    }
  }
  const bool image = is_custom_asset(config, AssetKind::image);
  const bool initrd = is_custom_asset(config, AssetKind::initrd);
  if (image && !initrd) config.boot.initrd.clear();
  if (initrd && !image) config.boot.image.clear();
  config.boot.kernel = asset_path(config, AssetKind::kernel);
  config.boot.image = asset_path(config, AssetKind::image);
  config.boot.initrd = asset_path(config, AssetKind::initrd);
  config.boot.early_initrd = asset_path(config, AssetKind::early_initrd);
  config.boot.firmware = asset_path(config, AssetKind::firmware);
  config.host.hypervisor_path = asset_path(config, AssetKind::hypervisor);
  config.host.hypervisor_ctl_path = asset_path(config, AssetKind::hypervisor_ctl);
  config.host.jailer_path = asset_path(config, AssetKind::jailer);
}

void check_boot(Problems& problems, const BootConfig& boot, bool needed) {
  if (needed && boot.kernel.empty()) note(problems, "boot.kernel", "Missing kernel path: give the guest kernel's file");
  if (needed && boot.image.empty() && boot.initrd.empty()) {
    note(problems, "boot", "Missing image and initrd path: give `image` or `initrd`");
  }
  if (!boot.image.empty() && !boot.initrd.empty()) {
    note(problems, "boot",
         "Image and initrd cannot both be set: leave one out (`early_initrd` may go beside an image)");
  }
}

void check_template(Problems& problems, const TemplateConfig& vm_template) {
  if (vm_template.to_be && vm_template.from) {
    note(problems, "template",
         "`to_be` and `from` cannot both be set: a VM either becomes a template or starts from one");
  }
  if ((vm_template.to_be || vm_template.from) && vm_template.memory_path.empty()) {
    note(problems, "template.memory_path", "Missing: a template needs the file of its memory");
  }
  if (vm_template.from && vm_template.state_path.empty()) {
    note(problems, "template.state_path", "Missing: starting from a template needs the file of its device state");
  }
}

void fill_defaults(VmConfig& config, const ConfigDefaults& defaults) {
  set_default(config.cpu.count, default_vcpus);
  set_default(config.memory.size_mib, default_memory_mib);
  set_default(config.memory.slots, default_slots);
  set_default(config.machine.bridges, defaults.bridges);
  set_default(config.storage.driver, defaults.block_driver);
  set_default(config.cpu.max_count, std::max(defaults.max_vcpus, std::uint32_t{1}));
  if (config.shared_fs.type != SharedFs::virtio_fs) {
    set_default(config.shared_fs.msize_9p_bytes, default_msize_9p_bytes);
  }
}

void check_cpu(Problems& problems, const CpuConfig& cpu, std::uint32_t limit) {
  const auto limit_text = "at most " + std::to_string(limit) + " vCPUs are possible with this machine";
  if (cpu.max_count > limit) {
    note(problems, "cpu.max_count", std::to_string(cpu.max_count) + " is too many: " + limit_text);
  }
  if (cpu.count > limit) {
    note(problems, "cpu.count", std::to_string(cpu.count) + " is too many: " + limit_text);
  } else if (cpu.count > cpu.max_count) {
    note(problems, "cpu.count",
         std::to_string(cpu.count) + " is more than cpu.max_count, which is " + std::to_string(cpu.max_count));
  }
}

void check_memory(Problems& problems, const MemoryConfig& memory, std::uint64_t host_mib) {
  const auto size = format_size_mib(memory.size_mib);
  if (memory.max_size_mib != 0 && memory.size_mib > memory.max_size_mib) {
    note(problems, "memory.size",
         size + " is more than memory.max_size, which is " + format_size_mib(memory.max_size_mib));
  }
  if (host_mib != 0 && memory.size_mib > host_mib) {
    note(problems, "memory.size",
         size + " is more than the host's memory of " + format_size_mib(host_mib) + ": give less");
  }
}

/// Trims blanks and drops what is empty then.
void tidy(std::vector<std::string>& texts) {
  for (auto& text : texts) {
    const auto first = text.find_first_not_of(' ');
    const auto last = text.find_last_not_of(' ');
    text = first == std::string::npos ? std::string{} : text.substr(first, last - first + 1);
  }
  std::erase(texts, std::string{});
}

}  // namespace

VmConfig::VmConfig() = default;
VmConfig::VmConfig(const VmConfig& other) = default;
VmConfig::VmConfig(VmConfig&& other) noexcept = default;
VmConfig& VmConfig::operator=(const VmConfig& other) = default;
VmConfig& VmConfig::operator=(VmConfig&& other) noexcept = default;
VmConfig::~VmConfig() = default;
bool VmConfig::operator==(const VmConfig& other) const = default;

VmConfig normalised(const VmConfig& config, const ConfigDefaults& defaults) {
  check_tables(config);
  auto result = config;
  Problems problems;
  apply_assets(problems, result);
  check_boot(problems, result.boot, defaults.needs_boot_files);
  check_template(problems, result.vm_template);
  fill_defaults(result, defaults);
  tidy(result.machine.options);
  tidy(result.cpu.features);
  check_cpu(problems, result.cpu, std::max(defaults.max_vcpus, std::uint32_t{1}));
  check_memory(problems, result.memory, defaults.host_memory_mib);
  detail::check_devices(problems, result);
  problems.throw_if_any();
  return result;
}

}  // namespace visor
