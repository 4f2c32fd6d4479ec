// SPDX-License-Identifier: Apache-2.0
// How the functions that go over tables see members.
#pragma once
#include "visor/core/error.hpp"
#include "visor/sdk/device/describe.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// "threads, native or io_uring", without those that are refused.
std::string words_of(const DeviceField& field);
/// The number of a choice. Enumerations are bytes: all have that for their type.
std::uint8_t choice_of(const DeviceField& field, const void* device);
bool is_changed(const DeviceTable& table, const DeviceField& field, const void* device);
/// Whether it is to be said: it is not as it was by default, or must always be said, and its variant has it.
bool is_said(const DeviceTable& table, const DeviceField& field, const void* device);
std::size_t variant_of(const DeviceTable& table, const void* device);
VirtioTransport transport_of(const DeviceTable& table, const void* device);
/// What is wrong with a value by its type alone: "must be …"; empty when nothing is.
std::string syntax_problem(const DeviceField& field, const Value& value);

/// Calls with the member as what it is.
template <class Call>
auto visit_member(const DeviceField& field, const void* device, const Call& call) {
  const auto as = [&]<class T>(const T* /*kind*/) {
    const void* at = field.member(device);
    return field.optional ? call(*static_cast<const std::optional<T>*>(at)) : call(*static_cast<const T*>(at));
  };
  switch (field.storage) {
    case FieldStorage::boolean:
      return as(static_cast<const bool*>(nullptr));
    case FieldStorage::number:
      return as(static_cast<const std::uint64_t*>(nullptr));
    case FieldStorage::number32:
      return as(static_cast<const std::uint32_t*>(nullptr));
    case FieldStorage::number16:
      return as(static_cast<const std::uint16_t*>(nullptr));
    case FieldStorage::integer:
      return as(static_cast<const int*>(nullptr));
    case FieldStorage::text:
      return as(static_cast<const std::string*>(nullptr));
    case FieldStorage::texts:
      return call(*static_cast<const std::vector<std::string>*>(field.member(device)));
    case FieldStorage::choice:
      return as(static_cast<const std::uint8_t*>(nullptr));
    case FieldStorage::none:
      break;
  }
  throw Error(Errc::internal, "A computed field has no member");
}

}  // namespace visor::sdk
