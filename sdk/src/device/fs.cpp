// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/fs.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

constexpr std::size_t longest_tag = 31;  // qemu: hw/9pfs/9p.h, MAX_TAG_LEN less the NUL

std::optional<PropertyBag::Property> writeout_of(const FsBackend& backend) {
  if (!backend.write_through) return std::nullopt;
  return std::string{"immediate"};
}

}  // namespace

const DeviceTable& FsBackend::describe() {
  using D = FsBackend;
  static const DeviceTable table =
      TableBuilder<D>("FsBackend", "Share", "A folder of the host for a Virtio9p.")
          .told_by(DeviceOption::worded, "-fsdev")
          .by<&D::driver>({{"local", "local", on_all, ""},
                           {"handle", "handle", on_all, "QEMU 4.0 dropped it; use local"},
                           {"proxy", "proxy", on_all, "QEMU 9.2 dropped it; use local, or virtio-fs"}})
          .with({
              id_field<&D::id>(),
              path_field<&D::path>("path", "path", "The folder.").needed(),
              field<&D::security_model>("security_model", "security_model", "How owners and modes are kept.")
                  .of({"none", "passthrough", "mapped-xattr", "mapped-file"})
                  .said(),
              field<&D::multidevs>("multidevs", "multidevs", "When it reaches over several file systems.")
                  .of({"warn", "remap", "forbid"}),
              field<&D::read_only>("read_only", "readonly", "The guest cannot write."),
              computed<D, writeout_of>("writeout", "From write_through."),
              field<&D::write_through>("write_through", "", "Writes go to the disk at once."),
              field<&D::file_mode>("file_mode", "fmode", "Of new files, with a mapped security model.").range(0, 0777),
              field<&D::folder_mode>("folder_mode", "dmode", "Of new folders, with a mapped security model.")
                  .range(0, 0777),
          });
  return table;
}

void FsBackend::validate() const {
  check_fields(describe(), this);
  const bool mapped = security_model == FsSecurity::mapped_xattr || security_model == FsSecurity::mapped_file;
  if (!mapped && (file_mode || folder_mode)) {
    refuse_device(describe(), this, "file_mode and folder_mode need a mapped security_model");
  }
}

PropertyBag FsBackend::properties() const { return properties_of(describe(), this); }

void FsBackend::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Virtio9p::describe() {
  using D = Virtio9p;
  static const DeviceTable table =
      TableBuilder<D>("Virtio9p", "Share", "The device through which a guest mounts an FsBackend.")
          .is_virtio("virtio-9p")
          .with({
              id_field<&D::id>(),
              reference<&D::fsdev>("fsdev", "fsdev", "Its backend.").needed(),
              field<&D::mount_tag>("mount_tag", "mount_tag", "By what the guest mounts it.")
                  .longest(longest_tag)
                  .needed(),
          })
          .placed<&D::place>();
  return table;
}

void Virtio9p::validate() const { check_fields(describe(), this); }

PropertyBag Virtio9p::properties() const { return properties_of(describe(), this); }

void Virtio9p::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk
