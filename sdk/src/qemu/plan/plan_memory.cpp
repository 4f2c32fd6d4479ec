// SPDX-License-Identifier: Apache-2.0
// The guest's memory where it is more than a size.
#include "device_builder.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/process.hpp"

#include <algorithm>

namespace visor::sdk::plan::detail {
namespace {

/// Another process serves a device, and reads and writes the guest's memory for that.
bool is_shared(const VmConfig& config) noexcept {
  return std::ranges::any_of(config.devices, [&](const auto& device) {
    const auto* const share = std::get_if<ShareConfig>(&device);
    return std::holds_alternative<VhostUserConfig>(device) || (share != nullptr && is_virtio_fs(config, *share));
  });
}

bool is_template(const VmConfig& config) noexcept { return config.vm_template.to_be || config.vm_template.from; }

/// A template's memory is one file, which its VM writes and those that start from it see as it was then.
void check_template(const VmConfig& config) {
  if (!is_template(config)) return;
  const auto refuse = [](const std::string& what) {
    throw Error(Errc::invalid_config, what + ": not together with a template, whose memory is template.memory_path");
  };
  if (!config.memory.backing_dir.empty()) refuse("memory.backing_dir");
  if (config.memory.huge_pages) refuse("memory.huge_pages");
  if (is_shared(config)) refuse("devices: one that another process serves");
  if (config.vm_template.to_be && config.vm_template.state_path.empty()) {
    throw Error(Errc::invalid_config, "template.state_path: Missing: a template needs a file for its device state");
  }
}

const char* reason_of(const VmConfig& config) noexcept {
  const auto& memory = config.memory;
  if (is_template(config)) return "template.memory_path";
  if (!memory.backing_dir.empty()) return "memory.backing_dir";
  if (memory.huge_pages) return "memory.huge_pages";
  return memory.prealloc ? "memory.prealloc" : "vhost-user devices need shared memory";
}

}  // namespace

void add_memory_lock(const Input& input, Plan& plan) {
  const auto& memory = input.config.memory;
  if (memory.lock != memory.realtime) {
    throw Error(Errc::invalid_config, memory.lock ? "memory.lock: needs memory.realtime"
                                                  : "memory.realtime: does nothing without memory.lock");
  }
  if (!memory.lock) return;
  plan.line.section("memory");
  plan.line.because("memory.lock");
  Knobs{.mlock = true}.render(plan.line);
}

bool shares_memory(const VmConfig& config) noexcept {
  return is_shared(config) || !config.memory.backing_dir.empty() || config.vm_template.to_be;
}

bool has_memory_object(const VmConfig& config) noexcept {
  const auto& memory = config.memory;
  return memory.prealloc || memory.huge_pages || !memory.backing_dir.empty() || is_shared(config) ||
         is_template(config);
}

MemoryBackend memory_backend(const VmConfig& config, std::string id, std::uint64_t bytes) {
  const auto& memory = config.memory;
  MemoryBackend backend{.id = std::move(id),
                        .size_bytes = bytes,
                        .share = is_shared(config) || !memory.backing_dir.empty(),
                        .prealloc = memory.prealloc};
  if (!memory.backing_dir.empty()) {
    backend.kind = MemoryKind::file;
    backend.path = memory.backing_dir;
  } else if (memory.huge_pages || backend.share) {
    backend.kind = MemoryKind::memfd;
    backend.huge_pages = memory.huge_pages;
  }
  return backend;
}

void add_memory_object(const Input& input, Plan& plan) {
  if (!has_memory_object(input.config)) return;
  check_template(input.config);
  const auto& memory = input.config.memory;
  if (memory.huge_pages && !memory.backing_dir.empty()) {
    throw Error(Errc::invalid_config, "memory.huge_pages: not together with memory.backing_dir; leave one out");
  }
  check_allowed("memory.backing_dir", memory.backing_dir, "host.allowed_backing_dirs",
                input.config.host.allowed_backing_dirs);
  plan.line.section("memory");
  plan.line.because(reason_of(input.config));
  auto backend = memory_backend(input.config, memory_object, input.arch.memory(input.arch_input()).size_mib << 20U);
  if (is_template(input.config)) {
    backend.kind = MemoryKind::file;
    backend.path = input.config.vm_template.memory_path;
    backend.share = input.config.vm_template.to_be;
  }
  add_of_section(plan, "memory", backend);
}

void add_virtio_mem(const Input& input, Plan& plan, DeviceBuilder& builder) {
  const auto mib = input.arch.memory(input.arch_input()).virtio_mem_mib;
  if (mib == 0) return;
  plan.line.section("devices");
  builder.because(input.config.memory.virtio_mem ? "memory.virtio_mem" : "memory.max_size");
  auto backend = memory_backend(input.config, virtio_mem_object, mib << 20U);
  // Taken, and set aside, block by block as the guest asks for it.
  backend.prealloc = false;
  backend.reserve = false;
  builder.add(backend);
  builder.add(VirtioMem{.id = virtio_mem_device,
                        .memdev = virtio_mem_object,
                        .prealloc = input.config.memory.prealloc,
                        .transport = builder.transport(),
                        .place = builder.place(virtio_mem_device)});
}

}  // namespace visor::sdk::plan::detail
