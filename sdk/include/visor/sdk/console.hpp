// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/vm.hpp"
#include "visor/sdk/export.h"

#include <memory>

namespace visor::sdk {

/// A console over a connected stream, as the keeper's console socket gives it. Takes the descriptor.
VISOR_SDK_EXPORT std::unique_ptr<Console> make_stream_console(UniqueFd stream);

/// Waits until poll() reports one of `events` on a descriptor; an end of file counts. [blocks until the context's
/// deadline] Throws timeout or cancelled, naming what was waited for.
VISOR_SDK_EXPORT void wait_for_fd(int fd, short events, std::string_view what, const CallContext& call);

}  // namespace visor::sdk
