// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// What a plugin can do for a given configuration. Whatever is not claimed throws Error(unsupported), naming the
/// feature, from every state and without side effect.
enum class Feature : std::uint8_t {
  add_device,
  wait_ready,
  stop,
  pause,
  resume,
  hotplug_disk,
  hotplug_nic,
  hotplug_serial_port,
  hotplug_vsock,
  hotplug_vfio,
  hotplug_vhost_user,
  resize_memory,
  shrink_memory,
  resize_vcpus,
  shrink_vcpus,
  console,
  events,
  status,
  check,
  attach,
  thread_ids,
  pids,
  multi_queue,
  shared_fs,
  iommu,
  nvdimm,
  snapshot,
  migration,
  dump,
  balloon,
  count_  ///< how many there are; no feature
};

VISOR_CORE_EXPORT std::string_view to_string(Feature feature) noexcept;

/// A set of features, and why the others are missing.
class VISOR_CORE_EXPORT Capabilities {
 public:
  Capabilities();
  Capabilities(std::initializer_list<Feature> features);
  Capabilities(const Capabilities&);
  Capabilities(Capabilities&&) noexcept;
  Capabilities& operator=(const Capabilities&);
  Capabilities& operator=(Capabilities&&) noexcept;
  ~Capabilities();

  [[nodiscard]] bool has(Feature feature) const noexcept;
  /// Throws unsupported: "<who> does not support <feature>: <reason>".
  void require(Feature feature, std::string_view who) const;
  void add(Feature feature);
  /// Takes a feature away and says why.
  void remove(Feature feature, std::string reason);
  [[nodiscard]] std::string reason(Feature feature) const;
  [[nodiscard]] std::vector<Feature> list() const;

 private:
  std::uint64_t bits_ = 0;
  std::map<Feature, std::string> reasons_;
};

}  // namespace visor
