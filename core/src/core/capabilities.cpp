// SPDX-License-Identifier: Apache-2.0
#include "visor/core/capabilities.hpp"

#include "names.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor {
namespace {

constexpr auto feature_count = static_cast<std::size_t>(Feature::count_);
constexpr std::array<std::string_view, feature_count> names = {"add_device",
                                                               "wait_ready",
                                                               "stop",
                                                               "pause",
                                                               "resume",
                                                               "hotplug_disk",
                                                               "hotplug_nic",
                                                               "hotplug_serial_port",
                                                               "hotplug_vsock",
                                                               "hotplug_vfio",
                                                               "hotplug_vhost_user",
                                                               "resize_memory",
                                                               "shrink_memory",
                                                               "resize_vcpus",
                                                               "shrink_vcpus",
                                                               "console",
                                                               "events",
                                                               "status",
                                                               "check",
                                                               "attach",
                                                               "thread_ids",
                                                               "pids",
                                                               "multi_queue",
                                                               "shared_fs",
                                                               "iommu",
                                                               "nvdimm",
                                                               "snapshot",
                                                               "migration",
                                                               "dump",
                                                               "balloon"};
static_assert(feature_count <= 64);

constexpr std::uint64_t bit(Feature feature) noexcept { return std::uint64_t{1} << static_cast<unsigned>(feature); }

}  // namespace

std::string_view to_string(Feature feature) noexcept { return detail::name_in(names, feature); }

Capabilities::Capabilities() = default;
Capabilities::Capabilities(std::initializer_list<Feature> features) {
  for (const auto feature : features) add(feature);
}
Capabilities::Capabilities(const Capabilities&) = default;
Capabilities::Capabilities(Capabilities&&) noexcept = default;
Capabilities& Capabilities::operator=(const Capabilities&) = default;
Capabilities& Capabilities::operator=(Capabilities&&) noexcept = default;
Capabilities::~Capabilities() = default;

bool Capabilities::has(Feature feature) const noexcept { return (bits_ & bit(feature)) != 0; }

void Capabilities::require(Feature feature, std::string_view who) const {
  if (has(feature)) return;
  const auto why = reason(feature);
  throw Error(Errc::unsupported, std::string{who} + " does not support " + std::string{to_string(feature)} +
                                     (why.empty() ? "" : ": " + why));
}

void Capabilities::add(Feature feature) {
  bits_ |= bit(feature);
  reasons_.erase(feature);
}

void Capabilities::remove(Feature feature, std::string reason) {
  bits_ &= ~bit(feature);
  reasons_[feature] = std::move(reason);
}

std::string Capabilities::reason(Feature feature) const {
  const auto found = reasons_.find(feature);
  return found == reasons_.end() ? std::string{} : found->second;
}

std::vector<Feature> Capabilities::list() const {
  std::vector<Feature> features;
  for (std::size_t i = 0; i < feature_count; ++i) {
    if (has(static_cast<Feature>(i))) features.push_back(static_cast<Feature>(i));
  }
  return features;
}

}  // namespace visor
