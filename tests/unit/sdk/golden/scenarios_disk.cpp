// SPDX-License-Identifier: Apache-2.0
// Disks in their formats and on their buses.
#include "scenario.hpp"

namespace visor::sdk::plan::golden {
namespace {

/// A block device of the host that several may read.
DiskConfig block_device(const std::string& id, DiskBus bus) {
  DiskConfig disk;
  disk.id = id;
  disk.path = "/dev/sdz";
  disk.bus = bus;
  disk.read_only = true;
  disk.share_rw = true;
  return disk;
}

DiskConfig file(const std::string& id, DiskFormat format = DiskFormat::raw) {
  DiskConfig disk;
  disk.id = id;
  disk.path = format == DiskFormat::raw ? "/d/raw.img" : "/d/disk.qcow2";
  disk.format = format;
  return disk;
}

void use_scsi(VmConfig& config) {
  auto named = block_device("first", DiskBus::scsi);
  named.serial = "s,1";
  config.devices = {named, block_device("second", DiskBus::scsi)};
}

void use_iothreads(VmConfig& config) {
  IoThreadConfig thread;
  thread.id = "io";
  auto direct = block_device("direct", DiskBus::virtio_blk);
  direct.iothread = "io";
  auto behind = block_device("behind", DiskBus::scsi);
  behind.iothread = "io";
  config.devices = {thread, direct, behind, block_device("other", DiskBus::scsi)};
}

void use_storage_defaults(VmConfig& config) {
  config.storage.driver = BlockDriver::virtio_scsi;
  config.storage.cache_set = true;
  config.storage.cache_no_flush = true;
  config.storage.iothreads = true;
  config.devices = {block_device("a", DiskBus::automatic), block_device("b", DiskBus::virtio_blk)};
}

void use_formats(VmConfig& config) {
  auto raw = file("plain");
  raw.discard = true;
  raw.serial = "a,b";
  auto qcow2 = file("layered", DiskFormat::qcow2);
  qcow2.cache_no_flush = true;
  qcow2.read_only = true;
  config.devices = {raw, qcow2};
}

void use_direct(VmConfig& config) {
  auto disk = file("direct");
  disk.cache_direct = true;
  disk.aio = DiskAio::native;
  config.devices = {disk};
}

void use_io_uring(VmConfig& config) {
  auto disk = file("ring");
  disk.aio = DiskAio::io_uring;
  config.devices = {disk};
}

void use_block_sizes(VmConfig& config, DiskBus bus) {
  auto disk = file("large");
  disk.bus = bus;
  disk.logical_block_size_bytes = 4096;
  disk.physical_block_size_bytes = 8192;
  config.devices = {disk};
}

void use_driver(VmConfig& config, BlockDriver driver) {
  config.storage.driver = driver;
  config.devices = {file("d")};
}

const Scenario all[] = {
    {"device-scsi", [](auto& c, auto&) { use_scsi(c); }},
    {"device-iothreads", [](auto& c, auto&) { use_iothreads(c); }},
    {"device-storage-defaults", [](auto& c, auto&) { use_storage_defaults(c); }},
    {"disk-formats", [](auto& c, auto&) { use_formats(c); }},
    {"disk-direct", [](auto& c, auto&) { use_direct(c); }},
    {"disk-io-uring", [](auto& c, auto&) { use_io_uring(c); }},
    {"disk-block-sizes", [](auto& c, auto&) { use_block_sizes(c, DiskBus::virtio_blk); }},
    {"disk-block-sizes-scsi", [](auto& c, auto&) { use_block_sizes(c, DiskBus::scsi); }},
    {"disk-driver-ccw", [](auto& c, auto&) { use_driver(c, BlockDriver::virtio_blk_ccw); }},
    {"disk-driver-mmio", [](auto& c, auto&) { use_driver(c, BlockDriver::virtio_mmio); }},
    {"disk-driver-nvdimm", [](auto& c, auto&) { use_driver(c, BlockDriver::nvdimm); }},
    {"disk-id-too-long", [](auto& c, auto&) { c.devices = {file("abcdefghijklmnopqrstuvwxyz-0")}; }},
    {"device-id-twice", [](auto& c, auto&) { c.devices = {file("d"), block_device("d", DiskBus::automatic)}; }},
    {"device-id-reserved", [](auto& c, auto&) { c.devices = {file("visor-image")}; }},
};

}  // namespace

std::span<const Scenario> disk_scenarios() { return all; }

}  // namespace visor::sdk::plan::golden
