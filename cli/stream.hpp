// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"

#include <string>

namespace visor::cli {

/// Connects to "unix:PATH" or "tcp:HOST:PORT". [blocks until the deadline] Throws invalid_config for another address,
/// io_error and not_found when nobody listens there, timeout, cancelled.
UniqueFd connect_stream(const std::string& address, const CallContext& call);

/// Listens at "unix:PATH", a path where nothing is yet and nothing is afterwards, or "tcp:HOST:PORT", and takes the
/// first who connects. [blocks until the deadline] Throws as connect_stream(), already_exists.
UniqueFd accept_stream(const std::string& address, const CallContext& call);

}  // namespace visor::cli
