// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/disk.hpp"

#include "check.hpp"

#include <array>

namespace visor::sdk {
namespace {

constexpr std::string_view what = "Disk";
constexpr std::size_t max_node_name = 31;  // qemu: block.c, BDS node_name[32]
constexpr std::array<const char*, 3> scsi_drivers = {"scsi-hd", "scsi-cd", "scsi-block"};

}  // namespace

std::string BlockNode::name_of(const std::string& disk) { return "node-" + disk; }

void BlockNode::validate(const std::string& disk) const {
  check_id(what, disk);
  if (name_of(disk).size() > max_node_name) refuse(what, disk, "the id must not be longer than 26 characters");
  if (!is_absolute(path)) refuse(what, disk, "the path must be absolute, found '" + path + "'");
  if (format != "raw" && format != "qcow2") refuse(what, disk, "the format must be raw or qcow2");
  if (aio != "threads" && aio != "native" && aio != "io_uring") {
    refuse(what, disk, "aio must be threads, native or io_uring, found '" + aio + "'");
  }
  if (aio == "native" && !cache_direct) refuse(what, disk, "aio native needs cache_direct");
}

PropertyBag BlockNode::properties(const std::string& disk) const {
  auto bag = PropertyBag::block(format);
  bag.set("node-name", name_of(disk)).set("read-only", read_only);
  if (discard) bag.set("discard", "unmap");
  bag.set("file.driver", host_device ? "host_device" : "file").set("file.filename", path).set("file.aio", aio);
  if (cache_direct) bag.set("file.cache.direct", true).set("cache.direct", true);
  if (cache_no_flush) bag.set("cache.no-flush", true);
  if (discard) bag.set("file.discard", "unmap");
  return bag;
}

void ScsiDisk::validate() const {
  backing.validate(id);
  if (driver == ScsiDriver::block && !backing.host_device) refuse(what, id, "scsi-block needs a block device");
  if (bus.empty()) refuse(what, id, "the bus of its SCSI controller must be named");
}

std::string ScsiDisk::node_name() const { return BlockNode::name_of(id); }

PropertyBag ScsiDisk::node() const { return backing.properties(id); }

PropertyBag ScsiDisk::properties() const {
  auto bag = PropertyBag::device(scsi_drivers.at(static_cast<std::size_t>(driver)));
  bag.set("id", id).set("bus", bus).set("drive", node_name());
  set_if(bag, "scsi-id", scsi_id);
  set_if(bag, "lun", lun);
  if (share_rw) bag.set("share-rw", true);
  return bag.set_if("serial", serial);
}

void ScsiDisk::render(CommandLine& line) const {
  line.add("-blockdev", node());
  line.add("-device", properties());
}

}  // namespace visor::sdk
