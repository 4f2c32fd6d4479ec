// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace visor::sdk::plan {

/// One option of virtiofsd's -o, where commas part options: tools/virtiofsd of qemu takes them as libfuse does, which
/// has backslashes before commas and backslashes of a value.
inline std::string fuse_option(std::string_view key, std::string_view value) {
  std::string text{key};
  text += '=';
  for (const char c : value) {
    if (c == ',' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace visor::sdk::plan
