// SPDX-License-Identifier: Apache-2.0
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>
#include <cstddef>

namespace visor::sdk::plan {
namespace {

constexpr const char* image_id = "visor-image";

bool is_nvdimm(const VmConfig& config) { return config.boot.image_attachment == ImageAttachment::nvdimm; }

const FileFacts& facts_of(const Input& input, const std::string& path) {
  const auto found = input.files.find(path);
  if (found == input.files.end()) throw Error(Errc::internal, "No facts of " + path + " were gathered");
  return found->second;
}

/// Whether the root parameter names one disk and no other. The last one counts, which may be the user's.
void check_root_is_certain(const Input& input) {
  const auto& config = input.config;
  if (input.arch.buses(input.arch_input()).ordered_disks) return;
  const auto is_disk = [&](const auto& device) {
    if (std::holds_alternative<CloudInitConfig>(device)) return true;
    const auto* const disk = std::get_if<DiskConfig>(&device);
    try {
      return disk != nullptr && detail::bus_of(input, *disk) == DiskBus::virtio_blk;
    } catch (const detail::Refusal&) {
      return false;  // which is said of the device itself
    }
  };
  const auto is_root = [](const auto& param) { return param.key == "root"; };
  if (std::ranges::none_of(config.devices, is_disk) || std::ranges::any_of(config.boot.kernel_params, is_root)) return;
  throw Error(Errc::unsupported,
              "boot.image: guests of this architecture number their disks in no certain order, so that /dev/vda may be "
              "one of `devices`; leave those out, or name the root in boot.kernel_params (root=PARTUUID=…)");
}

bool uses_dax(const Input& input, const std::string& image) {
  return is_nvdimm(input.config) && input.arch.image(input.arch_input()).dax && facts_of(input, image).dax_header;
}

void add_root_params(const Input& input, const std::string& image, Params& params) {
  const auto& boot = input.config.boot;
  const bool nvdimm = is_nvdimm(input.config);
  std::string device = nvdimm ? "/dev/pmem0" : "/dev/vda";
  if (boot.root_partition != 0) device += (nvdimm ? "p" : "") + std::to_string(boot.root_partition);
  const bool dax = uses_dax(input, image);
  std::string flags = dax ? "dax" : "";
  // No data= option: the kernel refuses it for a file system without a journal, and a read-only root has no use for it.
  if (boot.root_fs_type == "ext4") flags = dax ? "dax,errors=remount-ro" : "errors=remount-ro";
  add_param(params, "root", device);
  if (!flags.empty()) add_param(params, "rootflags", flags);
  add_param(params, "rootfstype", boot.root_fs_type);
  add_param(params, "ro");
}

/// How much the guest says while it boots. What runs from an image is systemd; an initrd's init is anything.
void add_verbosity(const Input& input, bool image, Params& params) {
  const bool debug = input.config.debug;
  add_param(params, debug ? "debug" : "quiet");
  if (image) add_param(params, "systemd.show_status", debug ? "true" : "false");
  if (image && debug) add_param(params, "systemd.log_level", "debug");
}

}  // namespace

std::string kernel_command_line(const Input& input) {
  const auto in = input.arch_input();
  auto params = input.arch.kernel_params(in);
  const auto image = asset_path(input.config, AssetKind::image);
  if (!image.empty()) add_root_params(input, image, params);
  if (input.config.console.type != ConsoleType::none) {
    add_param(params, "console", input.arch.console(in).kernel_console);
  }
  add_verbosity(input, !image.empty(), params);
  add_param(params, "panic", "1");
  for (const auto& param : input.config.boot.kernel_params) params.push_back(param);
  try {
    return kernel_line(params);
  } catch (const Error& error) {  // a value that quotes itself is read as it is meant, and cannot be written
    throw Error(error.code(), "boot.kernel_params: " + error.message());
  }
}

void detail::add_image(const Input& input, Plan& plan) {
  const auto image = asset_path(input.config, AssetKind::image);
  if (image.empty()) return;
  plan.line.section("image");
  plan.line.because("boot.image");
  const auto in = input.arch_input();
  const auto& facts = facts_of(input, image);
  if (facts.missing) return;
  if (is_nvdimm(input.config)) {
    const Nvdimm nvdimm{.id = image_id,
                        .backend_id = "visor-image-memory",
                        .path = image,
                        .size_bytes = facts.size_bytes,
                        .read_only = true};
    add_checked(plan, "boot.image", nullptr, nvdimm);
    return;
  }
  check_root_is_certain(input);
  VirtioBlk disk;
  disk.id = image_id;
  disk.backing.path = image;
  disk.transport = input.arch.buses(in).transport;
  disk.place = detail::virtio_place(input);
  disk.backing.host_device = facts.block_device;
  disk.backing.read_only = true;
  disk.share_rw = true;
  add_checked(plan, "boot.image", nullptr, disk);
}

void detail::add_boot(const Input& input, Plan& plan) {
  const auto& config = input.config;
  auto& line = plan.line;
  line.section("boot");
  line.because("boot.firmware");
  const auto firmware = input.arch.firmware(input.arch_input());
  if (!firmware.bios.empty()) line.plain("-bios", firmware.bios);
  line.because("boot.pflash");
  for (std::size_t unit = 0; unit < firmware.pflash.size(); ++unit) {
    auto bag = PropertyBag::keys().set("if", "pflash").set("format", "raw");
    // Of two images the first is code, which VMs share and no guest may change; a single one has the variables, too.
    if (unit == 0 && firmware.pflash.size() > 1) bag.set("readonly", true);
    line.add("-drive", bag.set("file", firmware.pflash[unit]));
  }
  line.because("boot.kernel");
  line.plain("-kernel", asset_path(config, AssetKind::kernel));
  const auto initrd = asset_path(config, AssetKind::initrd);
  const auto early = asset_path(config, AssetKind::early_initrd);
  line.because(initrd.empty() ? "boot.early_initrd" : "boot.initrd");
  if (!initrd.empty() || !early.empty()) line.plain("-initrd", initrd.empty() ? early : initrd);
  line.because("boot.kernel_params");
  line.plain("-append", kernel_command_line(input));
}

}  // namespace visor::sdk::plan
