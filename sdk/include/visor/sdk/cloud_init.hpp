// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/device_config.hpp"
#include "visor/sdk/export.h"

#include <cstddef>
#include <filesystem>
#include <string>

/// The disk on which a guest's cloud-init finds how it is to be set up. For any hypervisor: the result is a file.
namespace visor::sdk {

/// Of each text on the disk.
inline constexpr std::size_t max_cloud_init_text = std::size_t{1} << 20;

/// What is on the disk. cloud-init: doc/rtd/reference/datasources/{nocloud,configdrive}.
struct CloudInitData {
  /// no_cloud: /user-data, /meta-data and /network-config on a disk labelled cidata.
  /// config_drive: /openstack/latest/{user_data,meta_data.json,network_data.json} on one labelled config-2.
  CloudInitSource source = CloudInitSource::config_drive;
  std::string user_data;       ///< as cloud-init takes it: "#cloud-config …", a script, a MIME archive; may be binary
  std::string meta_data;       ///< no_cloud: YAML with instance-id; config_drive: JSON with uuid
  std::string network_config;  ///< empty: no such file. no_cloud: YAML; config_drive: OpenStack's JSON
};

/// Makes the disk: an ISO 9660 image with Rock Ridge and Joliet names, mode 0600, whose files belong to root and are
/// for root alone, since user data holds secrets. It is made by genisoimage, mkisofs or xorriso, whichever is found
/// first, in a scratch folder beside `disk`. The folder is gone when this returns or throws, and `disk` is there whole
/// or, after a failure, as it was before. [any thread but the I/O thread] [blocks ≤ deadline, then a moment for
/// cleaning up]
///
/// Errors: unsupported (no such tool is installed; the message names the packages); exhausted (a text is larger than
/// max_cloud_init_text); timeout, cancelled, io_error (the tool failed; with the end of its stderr); not_found,
/// permission_denied (the folder of `disk`); wrong_thread.
VISOR_SDK_EXPORT void make_cloud_init_disk(const CloudInitData& data, const std::filesystem::path& disk,
                                           const CallContext& call);

}  // namespace visor::sdk
