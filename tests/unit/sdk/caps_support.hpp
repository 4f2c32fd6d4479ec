// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "qemu/caps/caps_codec.hpp"

#include <string>

namespace visor::sdk {

/// A QEMU that can do little, but something of each kind.
inline QemuCaps small_caps() {
  return {.version = {7, 2, 22},
          .devices = {"pvpanic", "virtio-blk-pci", "virtio-rng-pci"},
          .binary = "/usr/bin/qemu-system-x86_64",
          .machines = {{.name = "none", .max_vcpus = 1},
                       {.name = "pc-q35-7.2", .alias = "q35", .max_vcpus = 288},
                       {.name = "pc-q35-old", .max_vcpus = 255}},
          .objects = {"iothread", "rng-random"},
          .features = {"blockdev-add:aio=io_uring"},
          .properties = {{"virtio-blk-pci", {"addr", "drive", "serial"}}}};
}

inline CachedCaps small_cached() {
  return {{.path = "/usr/bin/qemu-system-x86_64",
           .device = 5,
           .inode = ~std::uint64_t{0},
           .size = 1,
           .modified_ns = -1,
           .changed_ns = 1'700'000'000'123'456'789},
          small_caps()};
}

}  // namespace visor::sdk
