// SPDX-License-Identifier: Apache-2.0
// What the checks and renderings of all devices share.
#pragma once
#include "visor/core/error.hpp"
#include "visor/sdk/device/property_bag.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor::sdk {

[[noreturn]] inline void refuse(std::string_view what, const std::string& id, std::string_view why) {
  throw Error(Errc::invalid_config, std::string{what} + " '" + id + "': " + std::string{why});
}

inline void check_id(std::string_view what, const std::string& id) {
  if (!is_qemu_id(id)) refuse(what, id, "the id must be a letter followed by letters, digits, '-', '.' or '_'");
}

/// The id of another thing that the device names.
inline void check_reference(std::string_view what, const std::string& id, std::string_view field,
                            const std::string& reference) {
  if (!is_qemu_id(reference)) refuse(what, id, std::string{field} + " must be an id, found '" + reference + "'");
}

inline bool is_absolute(std::string_view path) noexcept { return !path.empty() && path.front() == '/'; }

template <class T>
void set_if(PropertyBag& bag, std::string key, const std::optional<T>& value) {
  if (value) bag.set(std::move(key), std::uint64_t{*value});
}

}  // namespace visor::sdk
