// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"

#include <string>
#include <thread>

namespace visor::test {

/// The other side of a vhost-user device, as far as a QEMU asks that never runs its guest. It listens at a path, takes
/// any number of connections after each other or at once, and answers until it is destroyed, which comes after the end
/// of the QEMU. (https://www.qemu.org/docs/master/interop/vhost-user.html)
class VhostUserPeer {
 public:
  VhostUserPeer(const std::string& path, bool has_config);
  VhostUserPeer(const VhostUserPeer&) = delete;
  VhostUserPeer& operator=(const VhostUserPeer&) = delete;
  ~VhostUserPeer();

 private:
  void serve() const;
  bool has_config_;
  UniqueFd listener_;
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace visor::test
