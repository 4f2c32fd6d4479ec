// SPDX-License-Identifier: Apache-2.0
#include "extensions.hpp"
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <utility>

namespace visor::sdk {
namespace {

class QemuBalloon final : public BalloonExtension {
 public:
  explicit QemuBalloon(std::shared_ptr<Tether> tether) : tether_{std::move(tether)} {}

  void set_target(std::uint64_t target_mib, const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->change("set_target", call, [&](qmp::Client& client) {
      const auto memory = qmp::query_memory_size_summary(client, call);
      const auto most_mib = (memory.base_bytes + memory.plugged_bytes.value_or(0)) >> 20U;
      if (target_mib == 0 || target_mib > most_mib) {
        throw Error(Errc::invalid_config, "VM '" + vm->id() + "' has " + std::to_string(most_mib) +
                                              " MiB of memory: its guest can keep from 1 MiB to that, not " +
                                              std::to_string(target_mib));
      }
      (void)qmp::balloon(client, target_mib << 20U, call).value();
    });
  }

  std::uint64_t current_mib(const CallContext& call) override {
    const auto vm = tether_->hold();
    vm->require_live("current_mib", call);
    std::uint64_t mib = 0;
    vm->with_monitor(call, [&](qmp::Client& client, const CallContext& limited) {
      const auto bytes = qmp::query_balloon(client, limited);
      if (!bytes) throw Error(Errc::hypervisor_error, "QEMU has no balloon device in VM '" + vm->id() + "'");
      mib = *bytes >> 20U;
    });
    return mib;
  }

 private:
  std::shared_ptr<Tether> tether_;
};

}  // namespace

std::shared_ptr<BalloonExtension> make_balloon_extension(std::shared_ptr<Tether> tether) {
  return std::make_shared<QemuBalloon>(std::move(tether));
}

}  // namespace visor::sdk
