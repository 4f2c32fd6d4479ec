// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "args.hpp"
#include "interrupts.hpp"
#include "output.hpp"
#include "visor/core/call.hpp"
#include "visor/core/error.hpp"
#include "visor/runtime/runtime.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace visor::cli {

/// What a command works with.
class Context {
 public:
  Context(Args arguments, Output output, Interrupts& signals);

  Args args;
  Output out;
  Interrupts& interrupts;
  /// What to tell beside an error of this kind; the latest of a kind counts.
  std::vector<std::pair<Errc, std::string>> hints;

  /// Plugins and VMs; made when first asked for.
  Runtime& runtime();
  /// What runs this configuration. Only its own failure hints at the list of plugins: what is missing later is no
  /// plugin.
  std::shared_ptr<Hypervisor> hypervisor(const VmConfig& config);
  [[nodiscard]] std::string hint(Errc code) const;
  /// A call until --timeout, or this long, that the first signal cancels.
  [[nodiscard]] CallContext call(std::chrono::milliseconds limit, ProgressSink* progress = nullptr) const;
  /// The duration of an option such as --timeout.
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view option) const;

 private:
  std::unique_ptr<Runtime> runtime_;
};

}  // namespace visor::cli
