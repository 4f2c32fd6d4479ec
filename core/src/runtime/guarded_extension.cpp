// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

namespace visor::detail {
namespace {

class GuardedQmp final : public QmpExtension {
 public:
  explicit GuardedQmp(HeldPtr<QmpExtension> held) noexcept : held_{std::move(held)} {}

  Value execute(std::string_view command, const Value& arguments, const CallContext& call) override {
    return held_->call("QmpExtension::execute", &QmpExtension::execute, command, arguments, call);
  }

 private:
  HeldPtr<QmpExtension> held_;
};

}  // namespace

std::shared_ptr<Extension> guard_extension(const OriginPtr& origin, std::shared_ptr<const void> parent,
                                           std::string_view id, std::shared_ptr<Extension> extension) {
  if (!extension) return nullptr;
  if (id != QmpExtension::id) {
    return keep_library(hold<Extension>(origin, std::move(parent), id, std::move(extension)));
  }
  // A class of another kind under this id comes out as nothing, and that is an error.
  auto qmp = std::dynamic_pointer_cast<QmpExtension>(std::move(extension));
  return std::make_shared<GuardedQmp>(hold<QmpExtension>(origin, std::move(parent), id, std::move(qmp)));
}

}  // namespace visor::detail
