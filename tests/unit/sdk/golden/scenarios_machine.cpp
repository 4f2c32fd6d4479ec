// SPDX-License-Identifier: Apache-2.0
// What concerns the machine as a whole: what it boots, its processors and memory, console, policies, process.
#include "scenario.hpp"

namespace visor::sdk::plan::golden {
namespace {

void use_image(VmConfig& config, const std::string& image, ImageAttachment attachment = ImageAttachment::automatic) {
  config.boot.initrd.clear();
  config.boot.image = image;
  config.boot.early_initrd = "/k/early";
  config.boot.image_attachment = attachment;
}

void use_image_beside_disk(VmConfig& config) {
  use_image(config, "/i/root.img");
  DiskConfig disk;
  disk.path = "/d/raw.img";
  config.devices = {disk};
}

void use_assets(VmConfig& config) {
  config.boot.kernel = "/absent";
  add_custom_asset(config, {.kind = AssetKind::kernel, .path = "/k/vmlinuz", .sha512 = {}});
  add_custom_asset(config, {.kind = AssetKind::firmware, .path = "/f/bios.bin", .sha512 = {}});
}

/// Sizes that no machine takes as they are.
void use_odd_memory(VmConfig& config) {
  config.memory.size_mib = 700;
  config.memory.max_size_mib = 4000;
  config.memory.slots = 3;
  config.memory.offset_mib = 16;
}

void use_cpu(VmConfig& config, const Machine& machine) {
  config.cpu.model = machine.cpu_model;
  config.cpu.features = machine.cpu_features;
}

const Scenario all[] = {
    {"initrd", [](auto&, auto&) {}},
    {"kvm", [](auto&, auto&) {}, Accelerator::kvm},
    // What it boots
    {"image-block", [](auto& c, auto&) { use_image(c, "/i/root.img"); }},
    {"image-dax", [](auto& c, auto&) { use_image(c, "/i/dax.img"); }},
    {"image-nvdimm",
     [](auto& c, auto&) {
       use_image(c, "/i/root.img", ImageAttachment::nvdimm);
       c.boot.pflash = {"/f/code,1.fd", "/f/vars.fd"};
     }},
    {"image-nvdimm-without-firmware", [](auto& c, auto&) { use_image(c, "/i/root.img", ImageAttachment::nvdimm); }},
    {"image-whole-disk",
     [](auto& c, auto&) {
       use_image(c, "/i/root.img");
       c.boot.root_partition = 0;
       c.boot.root_fs_type = "xfs";
     }},
    {"image-beside-disk", [](auto& c, auto&) { use_image_beside_disk(c); }},
    {"image-beside-disk-named",
     [](auto& c, auto&) {
       use_image_beside_disk(c);
       c.boot.kernel_params = {{"root", "PARTUUID=11111111-01"}};
     }},
    {"custom-assets", [](auto& c, auto&) { use_assets(c); }},
    {"kernel-params",
     [](auto& c, auto&) { c.boot.kernel_params = {{"panic", "5"}, {"user", "last"}, {"quoted", "two words"}}; }},
    {"pflash", [](auto& c, auto&) { c.boot.pflash = {"/f/code,1.fd", "/f/vars.fd"}; }},
    {"pflash-single", [](auto& c, auto&) { c.boot.pflash = {"/f/vars.fd"}; }},
    {"firmware-user-params",
     [](auto& c, auto& machine) {
       c.boot.firmware = "/f/bios.bin";
       c.machine.options = {machine.option};
       c.host.hypervisor_params = {{"boot", "strict=on"}, {"only-migratable", ""}};
     }},
    // The machine and its processors
    {"machine-unknown", [](auto& c, auto&) { c.machine.type = "isapc"; }},
    {"cpu", [](auto& c, auto& machine) { use_cpu(c, machine); }},
    {"cpu-all-at-start", [](auto& c, auto&) { c.cpu.count = c.cpu.max_count = 8; }},
    {"cpu-too-many", [](auto& c, auto&) { c.cpu.count = c.cpu.max_count = 1000; }},
    {"cpu-host-emulated", [](auto& c, auto&) { c.cpu.model = "host"; }},
    {"iommu-platform",
     [](auto& c, auto&) {
       c.machine.iommu_platform = true;
       c.devices = {NicConfig{}, RngConfig{}};
     }},
    // Memory
    {"cpu-memory",
     [](auto& c, auto& machine) {
       use_cpu(c, machine);
       use_odd_memory(c);
     }},
    {"memory-plugged-with-firmware",
     [](auto& c, auto&) {
       use_odd_memory(c);
       c.boot.firmware = "/f/bios.bin";
     }},
    {"memory-virtio-mem",
     [](auto& c, auto&) {
       use_odd_memory(c);
       c.memory.virtio_mem = true;
     }},
    {"memory-virtio-mem-folder",
     [](auto& c, auto&) {
       use_odd_memory(c);
       c.memory.virtio_mem = c.memory.prealloc = true;
       c.memory.backing_dir = "/dev/shm";
     }},
    {"memory-prealloc", [](auto& c, auto&) { c.memory.prealloc = true; }},
    {"memory-folder", [](auto& c, auto&) { c.memory.backing_dir = "/dev/shm"; }},
    {"memory-folder-not-allowed",
     [](auto& c, auto&) {
       c.memory.backing_dir = "/dev/shm";
       c.host.allowed_backing_dirs = {"/srv/*"};
     }},
    {"memory-huge-pages", [](auto& c, auto&) { c.memory.huge_pages = c.memory.prealloc = true; }},
    {"memory-huge-pages-in-folder",
     [](auto& c, auto&) {
       c.memory.huge_pages = true;
       c.memory.backing_dir = "/dev/shm";
     }},
    {"memory-lock", [](auto& c, auto&) { c.memory.realtime = c.memory.lock = true; }},
    {"memory-lock-alone", [](auto& c, auto&) { c.memory.lock = true; }},
    // Console, policies, process
    {"no-console", [](auto& c, auto&) { c.console.type = ConsoleType::none; }},
    {"virtio-console-debug",
     [](auto& c, auto&) {
       c.console.type = ConsoleType::virtio;
       c.debug = true;
     }},
    {"policies-no-sandbox",
     [](auto& c, auto&) {
       c.policy = {RebootPolicy::reset, PanicPolicy::pause, ShutdownPolicy::pause};
       c.host.sandbox = false;
       c.name = "a,b";
     }},
    {"ephemeral", [](auto& c, auto&) { c.ephemeral = true; }},
    {"template", [](auto& c, auto&) { c.vm_template = {.to_be = true, .memory_path = "/m", .state_path = "/s"}; }},
    {"template-clone", [](auto& c, auto&) { c.vm_template = {.from = true, .memory_path = "/m", .state_path = "/s"}; }},
    {"jailer",
     [](auto& c, auto&) { add_custom_asset(c, {.kind = AssetKind::jailer, .path = "/jailer", .sha512 = {}}); }},
};

}  // namespace

std::span<const Scenario> machine_scenarios() { return all; }

}  // namespace visor::sdk::plan::golden
