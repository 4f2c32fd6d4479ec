// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "manifest.hpp"
#include "visor/core/call.hpp"

namespace visor::sdk {

/// What goes before QEMU's own words in a stream of a VM's state: a manifest. Nothing after it is read.
/// Descriptors are borrowed: of a stream socket, a pipe or a file. [blocks until the deadline]
///
/// Throws timeout, cancelled, and io_error when the other side is gone or the file cannot be written.
void write_manifest(int fd, const Manifest& manifest, const CallContext& call);
/// Throws also io_error when the stream ends early, invalid_config for what is none, and as manifest_from_value().
Manifest read_manifest(int fd, const CallContext& call);

bool is_socket(int fd) noexcept;
/// Tells the other side of a socket that nothing more comes or is read; nothing else happens to other descriptors.
void end_stream(int fd) noexcept;

}  // namespace visor::sdk
