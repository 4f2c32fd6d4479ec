// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <string>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// A property of an object, or an object below it: then the type is "child<…>".
struct QomProperty {
  std::string name;
  std::string type;
};

/// QEMU's object model. A path is absolute ("/machine/peripheral/b0"), or any end of one that is unique ("b0").
/// Integers are exact to 64 bits in both directions.
///
/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call(): a path that leads nowhere is
/// refused with ErrorClass::device_not_found, a property that is set too late or out of range with generic_error.
VISOR_SDK_EXPORT Value qom_get(Client& client, const std::string& path, const std::string& property,
                               const CallContext& call);
VISOR_SDK_EXPORT void qom_set(Client& client, const std::string& path, const std::string& property, Value value,
                              const CallContext& call);
VISOR_SDK_EXPORT std::vector<QomProperty> qom_list(Client& client, const std::string& path, const CallContext& call);

}  // namespace visor::sdk::qmp
