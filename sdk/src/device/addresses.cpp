// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/addresses.hpp"

#include "device/fnv.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace visor::sdk {
namespace {

std::string counted(const AddressRange& range) {
  const auto count = std::uint64_t{range.last} - range.first + 1;
  const auto number = std::to_string(count) + ' ';
  switch (range.space) {
    case AddressSpace::root_port:
      return number + "root ports";
    case AddressSpace::channel:
      return number + "device numbers of " + range.bus;
    case AddressSpace::scsi:
      return number + "targets of " + range.bus;
    case AddressSpace::chassis:
      return number + "chassis numbers";
    case AddressSpace::port:
      return number + "ports of " + range.bus;
    default:
      return number + "slots of " + range.bus;
  }
}

std::string hex(std::uint32_t number, int digits) {
  std::array<char, 16> text{};
  (void)std::snprintf(text.data(), text.size(), "%0*x", digits, number);
  return text.data();
}

Place place_at(const AddressRange& range, std::uint32_t number) {
  Place place;
  if (range.space == AddressSpace::channel) {
    place.devno = range.bus + '.' + hex(number, 4);
  } else if (range.space == AddressSpace::root_port) {
    place.bus = range.bus + std::to_string(number);
    place.addr = "0";
  } else {
    place.bus = range.bus;
    place.addr = hex(number, 1);
  }
  return place;
}

std::optional<std::uint32_t> parsed(std::string_view text, int base) {
  std::uint32_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// The number of a place that place_at() gave; nothing when it is on another bus.
std::optional<std::uint32_t> number_at(const AddressRange& range, const Place& place) {
  switch (range.space) {
    case AddressSpace::root_port:
      if (!place.bus.starts_with(range.bus)) return std::nullopt;
      return parsed(std::string_view{place.bus}.substr(range.bus.size()), 10);
    case AddressSpace::channel:
      if (!place.devno.starts_with(range.bus + '.')) return std::nullopt;
      return parsed(std::string_view{place.devno}.substr(range.bus.size() + 1), 16);
    case AddressSpace::bridge:
    case AddressSpace::root_bus:
      return place.bus == range.bus ? parsed(place.addr, 16) : std::nullopt;
    case AddressSpace::port:
      return place.bus == range.bus ? parsed(place.addr, 10) : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::vector<AddressSpace> spaces_of(PlaceWish wish) {
  using enum AddressSpace;
  if (wish == PlaceWish::on_root) return {root_port, root_bus, channel};
  return {root_port, bridge, root_bus, channel};
}

}  // namespace

void Addresses::add_range(AddressRange range) {
  if (range.first > range.last) throw Error(Errc::invalid_config, "The range of '" + range.bus + "' is empty");
  if (has_range(range.space, range.bus)) {
    throw Error(Errc::invalid_config, "There are two ranges of '" + range.bus + "'");
  }
  ranges_.push_back({std::move(range), {}});
}

void Addresses::remove_bus(std::string_view bus) noexcept {
  std::erase_if(ranges_, [&](const Range& each) { return each.range.bus == bus; });
}

bool Addresses::has_range(AddressSpace space, std::string_view bus) const noexcept {
  return std::ranges::any_of(ranges_,
                             [&](const Range& each) { return each.range.space == space && each.range.bus == bus; });
}

Addresses::Range& Addresses::range_of(AddressSpace space, std::string_view bus) {
  const auto found = std::ranges::find_if(
      ranges_, [&](const Range& each) { return each.range.space == space && each.range.bus == bus; });
  if (found != ranges_.end()) return *found;
  throw Error(Errc::not_found, "The machine has no " + std::string{to_string(space)} + " '" + std::string{bus} +
                                   "' to place a device on");
}

std::optional<std::uint32_t> Addresses::free_number(const Range& each) {
  const auto& range = each.range;
  const auto count = std::uint64_t{range.last} - range.first + 1;
  if (each.taken.size() >= count) return std::nullopt;
  auto number = range.from_top ? range.last : range.first;
  while (each.taken.contains(number)) range.from_top ? --number : ++number;
  return number;
}

void Addresses::claim(const std::string& id) {
  if (leaving_.contains(id)) {
    throw Error(Errc::already_exists, "The guest has not let go of the device '" + id +
                                          "' that was unplugged before; wait until it has, or take another id");
  }
  if (id.empty() || !ids_.insert(id).second) {
    throw Error(id.empty() ? Errc::invalid_config : Errc::already_exists,
                id.empty() ? "A device without an id can have no address" : "There is a device '" + id + "' already");
  }
}

std::string Addresses::claim_new(std::string_view type) {
  std::string prefix{type};
  std::erase_if(prefix, [](char c) { return c == '_' || c == ' '; });
  for (std::size_t i = 0;; ++i) {
    auto id = prefix + std::to_string(i);
    if (ids_.insert(id).second) return id;
  }
}

void Addresses::refuse_full(const std::vector<AddressSpace>& spaces, const std::string& owner) const {
  std::string limits;
  std::string more;
  for (const auto& each : ranges_) {
    if (std::ranges::find(spaces, each.range.space) == spaces.end()) continue;
    limits += (limits.empty() ? "" : " and the ") + counted(each.range);
    if (each.range.more.empty() || more.find(each.range.more) != std::string::npos) continue;
    more += (more.empty() ? "" : ", ") + each.range.more;
  }
  if (limits.empty()) {
    throw Error(Errc::unsupported, "Device '" + owner + "': the machine has no place to plug it into");
  }
  throw Error(Errc::exhausted, "Device '" + owner + "': the " + limits + " are all taken; unplug a device" +
                                   (more.empty() ? "" : ", or for the next start " + more));
}

std::uint32_t Addresses::take(AddressSpace space, std::string_view bus, const std::string& owner) {
  auto& range = range_of(space, bus);
  const auto number = free_number(range);
  if (!number) refuse_full({space}, owner);
  take_exactly(space, bus, *number, owner);
  return *number;
}

void Addresses::take_exactly(AddressSpace space, std::string_view bus, std::uint32_t number, const std::string& owner) {
  auto& each = range_of(space, bus);
  if (number < each.range.first || number > each.range.last) {
    throw Error(Errc::invalid_config, "Device '" + owner + "': number " + std::to_string(number) + " is none of the " +
                                          counted(each.range) + ", which begin with " +
                                          std::to_string(each.range.first));
  }
  if (const auto other = each.taken.find(number); other != each.taken.end()) {
    throw Error(Errc::already_exists, "Device '" + owner + "': number " + std::to_string(number) + " of the " +
                                          counted(each.range) + " is taken by '" + other->second + "'");
  }
  if (!ids_.contains(owner)) claim(owner);
  each.taken.emplace(number, owner);
}

Place Addresses::take_place(const std::string& owner, PlaceWish wish) {
  const auto spaces = spaces_of(wish);
  for (const auto space : spaces) {
    for (const auto& each : ranges_) {
      const auto number = each.range.space == space ? free_number(each) : std::nullopt;
      if (!number) continue;
      auto place = place_at(each.range, *number);
      take_exactly(space, each.range.bus, *number, owner);
      return place;
    }
  }
  refuse_full(spaces, owner);
}

void Addresses::take_place_exactly(const Place& place, const std::string& owner) {
  for (const auto& each : ranges_) {
    const auto number = number_at(each.range, place);
    if (number) return take_exactly(each.range.space, each.range.bus, *number, owner);
  }
  throw Error(Errc::not_found, "Device '" + owner + "': the machine has no place '" +
                                   (place.devno.empty() ? place.bus + ", " + place.addr : place.devno) + "'");
}

ScsiAddress Addresses::take_target(std::string_view bus, const std::string& owner) {
  return {.channel = 0, .target = take(AddressSpace::scsi, bus, owner), .lun = 0};
}

void Addresses::settle(const std::string& owner, UnplugOutcome outcome) {
  if (!ids_.contains(owner)) return;
  if (outcome == UnplugOutcome::gone) {
    give_back(owner);
  } else if (outcome == UnplugOutcome::pending) {
    leaving_.insert(owner);
  } else {
    leaving_.erase(owner);
  }
}

void Addresses::give_back(const std::string& owner) noexcept {
  for (auto& each : ranges_) std::erase_if(each.taken, [&](const auto& entry) { return entry.second == owner; });
  ids_.erase(owner);
  leaving_.erase(owner);
}

std::optional<std::uint32_t> Addresses::find(AddressSpace space, std::string_view bus, const std::string& owner) const {
  for (const auto& each : ranges_) {
    if (each.range.space != space || each.range.bus != bus) continue;
    const auto found = std::ranges::find_if(each.taken, [&](const auto& entry) { return entry.second == owner; });
    if (found != each.taken.end()) return found->first;
  }
  return std::nullopt;
}

std::size_t Addresses::free(AddressSpace space) const noexcept {
  std::size_t count = 0;
  for (const auto& each : ranges_) {
    if (each.range.space != space) continue;
    count += static_cast<std::size_t>(std::uint64_t{each.range.last} - each.range.first + 1 - each.taken.size());
  }
  return count;
}

std::uint32_t vsock_cid(std::string_view vm, std::uint32_t attempt) noexcept {
  constexpr std::uint32_t first = 3;  // vsock(7): 0 to 2 are the hypervisor, the local and the host's
  constexpr std::uint64_t count = 0xfffffffeULL - first + 1;
  return first + static_cast<std::uint32_t>((fnv1a(vm) + attempt) % count);
}

}  // namespace visor::sdk
