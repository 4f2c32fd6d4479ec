// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// A member of an object type or of an alternate.
struct SchemaMember {
  std::string name = {};  ///< empty in an alternate
  std::string type = {};  ///< the name of an entry
  bool optional = false;
  std::vector<std::string> features = {};
};

/// A part of an object type that is there when the tag has this value.
struct SchemaVariant {
  std::string value = {};
  std::string type = {};
};

/// One entry of QEMU's schema. Names of types are numbers without meaning, valid in this schema alone. (qemu:
/// qapi/introspect.json)
struct SchemaInfo {
  std::string name = {};
  std::string meta_type = {};  ///< "command", "event", "object", "enum", "array", "alternate", "builtin"
  std::string json_type =
      {};  ///< of a builtin: "string", "int", "number", "boolean", "null", "object", "array", "value"
  std::string argument_type = {};            ///< of a command or an event
  std::string element_type = {};             ///< of an array
  std::string tag = {};                      ///< of an object with variants: the member that chooses
  std::vector<SchemaMember> members = {};    ///< of an object or an alternate
  std::vector<SchemaVariant> variants = {};  ///< of an object
  std::vector<std::string> values = {};      ///< of an enum
  std::vector<std::string> features = {};    ///< "deprecated", and what QEMU says about itself
};

/// What one QEMU understands, as it says itself. A plain value of some 200 KB: ask once for a QEMU and keep it. [any
/// thread]
class VISOR_SDK_EXPORT Schema {
 public:
  Schema() = default;
  /// From the answer to query-qmp-schema. Throws Error(hypervisor_error) that names what is not as documented.
  explicit Schema(const Value& answer);

  [[nodiscard]] const std::vector<SchemaInfo>& entries() const noexcept { return entries_; }  ///< sorted by name
  [[nodiscard]] const SchemaInfo* find(std::string_view name) const noexcept;
  [[nodiscard]] bool has_command(std::string_view name) const noexcept;
  [[nodiscard]] bool has_event(std::string_view name) const noexcept;
  /// What QEMU says about a command or an event ("deprecated"); false also when there is none of that name.
  [[nodiscard]] bool has_feature(std::string_view name, std::string_view feature) const noexcept;

  /// The type of an argument of a command or of a member of an event's data. A dotted path leads into it, through
  /// lists and variants: "backend.data.addr". Null when there is none, or no such command.
  [[nodiscard]] const SchemaInfo* argument(std::string_view command, std::string_view path) const;
  [[nodiscard]] bool has_argument(std::string_view command, std::string_view path) const {
    return argument(command, path) != nullptr;
  }
  /// Whether an argument takes this word: has_enum_member("migrate-set-capabilities", "capabilities.capability",
  /// "x-ignore-shared").
  [[nodiscard]] bool has_enum_member(std::string_view command, std::string_view path, std::string_view word) const;

  /// What QEMU would find wrong with a command, {"execute": …, "arguments": {…}}: each argument that it does not know,
  /// misses or wants in another type, with its place. Empty when nothing is. It knows no more than the schema: values
  /// out of range pass, and so do the device's properties in device_add (check_properties() is for those).
  [[nodiscard]] std::vector<std::string> check(const Value& command) const;

 private:
  std::vector<SchemaInfo> entries_;
};

/// A property of a type of device or object.
struct ObjectProperty {
  std::string name = {};
  std::string type = {};  ///< QEMU's word: "uint32", "bool", "str", "size", "OnOffAuto", "link<memory-backend>", …
  std::string description = {};
  Value default_value = {};  ///< null when QEMU does not say
};

/// A type of QEMU's object model.
struct ObjectType {
  std::string name = {};
  std::string parent = {};
  bool abstract = false;
};

/// What a device with these arguments of device_add would be refused for by a QEMU whose type `driver` has these
/// properties: names that it lacks, and values of another type. Empty when nothing is. bus and id are none of them.
[[nodiscard]] VISOR_SDK_EXPORT std::vector<std::string> check_properties(const Value& device,
                                                                         const std::vector<ObjectProperty>& known);

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call().
VISOR_SDK_EXPORT Schema query_qmp_schema(Client& client, const CallContext& call);
/// The properties of a type of device. A type that QEMU lacks is refused with ErrorClass::device_not_found.
VISOR_SDK_EXPORT std::vector<ObjectProperty> device_list_properties(Client& client, const std::string& type,
                                                                    const CallContext& call);
/// The types that implement another, all without one; those that cannot be made only with `abstract`.
VISOR_SDK_EXPORT std::vector<ObjectType> qom_list_types(Client& client, const std::optional<std::string>& implements,
                                                        bool abstract, const CallContext& call);

}  // namespace visor::sdk::qmp
