// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "qmp/outbox.hpp"

#include <string>

namespace visor::sdk::qmp {

/// The bytes of a batch.
inline std::string text_of(const Outbox::Batch& batch) {
  std::string text;
  for (std::size_t i = 0; i < batch.count; ++i) {
    text.append(static_cast<const char*>(batch.parts[i].iov_base), batch.parts[i].iov_len);
  }
  return text;
}

}  // namespace visor::sdk::qmp
