// SPDX-License-Identifier: Apache-2.0
// Addresses as they stand in a VM's record. Whatever is read is checked: another program may have written it.
#include "visor/core/error.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace visor::sdk {
namespace {

constexpr std::uint64_t current_version = 1;
constexpr std::array<std::string_view, 7> spaces{"root_port", "bridge",  "root_bus", "channel",
                                                 "scsi",      "chassis", "port"};

[[noreturn]] void refuse(const std::string& why) {
  throw Error(Errc::invalid_config, "The addresses in the VM's record: " + why);
}

AddressSpace space_of(const std::string& word) {
  const auto* const found = std::ranges::find(spaces, word);
  if (found == spaces.end()) refuse("there is no kind '" + word + "'");
  return static_cast<AddressSpace>(found - spaces.begin());
}

std::uint32_t number_of(const Value& value) {
  const auto number = value.as_uint();
  if (number > std::numeric_limits<std::uint32_t>::max()) refuse(std::to_string(number) + " is too large");
  return static_cast<std::uint32_t>(number);
}

Value range_to_value(const AddressRange& range) {
  auto value = Value::map({{"space", to_string(range.space)},
                           {"bus", range.bus},
                           {"first", range.first},
                           {"last", range.last},
                           {"from_top", range.from_top}});
  if (!range.more.empty()) value.set("more", range.more);
  return value;
}

AddressRange range_from_value(const Value& value) {
  const auto* const more = value.find("more");
  return {.space = space_of(value.at("space").as_string()),
          .bus = value.at("bus").as_string(),
          .first = number_of(value.at("first")),
          .last = number_of(value.at("last")),
          .more = more == nullptr ? std::string{} : more->as_string(),
          .from_top = value.at("from_top").as_bool()};
}

}  // namespace

std::string_view to_string(AddressSpace space) noexcept {
  const auto index = static_cast<std::size_t>(space);
  return index < spaces.size() ? spaces.at(index) : "unknown";
}

Value Addresses::to_value() const {
  Value::List ids{ids_.begin(), ids_.end()};
  Value::List leaving{leaving_.begin(), leaving_.end()};
  Value::List ranges;
  for (const auto& each : ranges_) {
    Value::List taken;
    for (const auto& [number, owner] : each.taken) taken.push_back(Value::map({{"number", number}, {"by", owner}}));
    ranges.push_back(range_to_value(each.range).set("taken", std::move(taken)));
  }
  return Value::map({{"version", current_version},
                     {"ids", std::move(ids)},
                     {"leaving", std::move(leaving)},
                     {"ranges", std::move(ranges)}});
}

Addresses Addresses::from_value(const Value& value) {
  const auto version = value.at("version").as_uint();
  if (version != current_version) {
    throw Error(Errc::unsupported, "The addresses in the VM's record are of version " + std::to_string(version) +
                                       ", this program reads version " + std::to_string(current_version));
  }
  Addresses out;
  for (const auto& id : value.at("ids").as_list()) out.claim(id.as_string());
  for (const auto& item : value.at("ranges").as_list()) {
    const auto range = range_from_value(item);
    out.add_range(range);
    for (const auto& entry : item.at("taken").as_list()) {
      const auto& owner = entry.at("by").as_string();
      if (!out.has(owner)) refuse("'" + owner + "' has a number and is no device");
      out.take_exactly(range.space, range.bus, number_of(entry.at("number")), owner);
    }
  }
  for (const auto& id : value.at("leaving").as_list()) {
    if (!out.has(id.as_string())) refuse("'" + id.as_string() + "' is to go and is no device");
    out.leaving_.insert(id.as_string());
  }
  return out;
}

}  // namespace visor::sdk
