// SPDX-License-Identifier: Apache-2.0
// The tables of the SDK's device structs, against the four QEMU programs: each property that a table claims for a
// transport is there with its type, and each option is taken.
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/device/describe.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it
using sdk::DeviceField;
using sdk::DeviceOption;
using sdk::DeviceTable;
using sdk::FieldType;

class QmpDeviceTables : public EachQemu {};
INSTANTIATE_TEST_SUITE_P(, QmpDeviceTables, ::testing::ValuesIn(qemu_targets()), target_name);

/// One of QEMU's types that a table claims.
struct Claim {
  const DeviceTable* table = nullptr;
  std::size_t variant = 0;
  VirtioTransport transport = VirtioTransport::pci;
  std::string type;
};

std::vector<Claim> claims_of(DeviceOption kind) {
  using enum VirtioTransport;
  std::vector<Claim> claims;
  for (const auto* table : sdk::device_tables()) {
    if (table->kind != kind) continue;
    for (std::size_t variant = 0; variant < table->variants.size(); ++variant) {
      const auto& one = table->variants[variant];
      if (one.type.empty() || !one.refused.empty()) continue;
      for (const auto transport : {pci, ccw, mmio}) {
        if ((one.transports & sdk::transport_bit(transport)) == 0) continue;
        const std::string type{one.type};
        claims.push_back({table, variant, transport, table->virtio ? sdk::virtio_driver(type, transport) : type});
      }
    }
  }
  return claims;
}

/// A value of the field's type; what follows from others is known by its name alone.
Value sample(const DeviceField& field) {
  if (field.type == FieldType::boolean) return true;
  if (field.type == FieldType::number) return std::max<std::uint64_t>(field.min, 1);
  if (field.type == FieldType::choice) return field.choices.front();
  return "x";
}

bool claims(const Claim& claim, const DeviceField& field) {
  return !field.key.empty() && field.refused.empty() && (field.variants >> claim.variant & 1U) != 0 &&
         (field.transports & sdk::transport_bit(claim.transport)) != 0;
}

/// All that is claimed, with its types.
Value arguments_of(const Claim& claim, const char* head) {
  auto arguments = Value::map({{head, claim.type}});
  for (const auto& field : claim.table->fields) {
    if (claims(claim, field) && field.type != FieldType::computed) arguments.set(field.key, sample(field));
  }
  return arguments;
}

std::vector<std::string> unknown_keys(const Claim& claim, const std::vector<ObjectProperty>& known) {
  std::vector<std::string> unknown;
  for (const auto& field : claim.table->fields) {
    if (!claims(claim, field) || field.type != FieldType::computed) continue;
    if (std::ranges::find(known, field.key, &ObjectProperty::name) == known.end()) {
      unknown.emplace_back(std::string{field.key});
    }
  }
  return unknown;
}

TEST_P(QmpDeviceTables, EveryPropertyIsThereWithItsType) {
  const auto qemu = BareQemu::without_machine(GetParam());
  std::set<std::string> types;
  for (const auto& type : qom_list_types(qemu->client(), "device", false, qemu_limit)) types.insert(type.name);
  std::size_t checked = 0;
  for (const auto& claim : claims_of(DeviceOption::device)) {
    if (!types.contains(claim.type)) continue;
    const auto known = device_list_properties(qemu->client(), claim.type, qemu_limit);
    EXPECT_EQ(check_properties(arguments_of(claim, "driver"), known), std::vector<std::string>{}) << claim.type;
    EXPECT_EQ(unknown_keys(claim, known), std::vector<std::string>{}) << claim.type;
    ++checked;
  }
  EXPECT_GE(checked, 20U);
}

TEST_P(QmpDeviceTables, ObjectsAndNetworkBackendsHaveTheMembersThatTheyClaim) {
  const auto qemu = BareQemu::without_machine(GetParam());
  const auto schema = query_qmp_schema(qemu->client(), qemu_limit);
  const auto check = [&](const char* command, const Value& arguments) {
    EXPECT_EQ(schema.check(Value::map({{"execute", command}, {"arguments", arguments}})), std::vector<std::string>{})
        << to_json(arguments);
  };
  for (const auto& claim : claims_of(DeviceOption::object)) {
    if (claim.transport == VirtioTransport::pci) check("object-add", arguments_of(claim, "qom-type"));
  }
  for (const auto& claim : claims_of(DeviceOption::netdev)) {
    if (claim.transport == VirtioTransport::pci) check("netdev_add", arguments_of(claim, "type"));
  }
  for (const auto* format : {"raw", "qcow2"}) {
    for (const bool host_device : {false, true}) {
      const sdk::BlockNode node{.path = "/x",
                                .format = format,
                                .host_device = host_device,
                                .cache_direct = true,
                                .cache_no_flush = true,
                                .discard = true,
                                .aio = "io_uring"};
      check("blockdev-add", node.properties("d").to_value());
    }
  }
}

/// The types of devices of all programs that are installed; empty when one is missing.
std::set<std::string> types_of_all() {
  std::set<std::string> types;
  for (const auto& target : qemu_targets()) {
    if (qemu_program(target).empty()) return {};
    const auto qemu = BareQemu::without_machine(target);
    for (const auto& type : qom_list_types(qemu->client(), "device", false, qemu_limit)) types.insert(type.name);
  }
  return types;
}

TEST(QmpDeviceTypes, EveryTypeIsThereSomewhere) {
  const auto types = types_of_all();
  if (types.empty()) GTEST_SKIP() << "not all four QEMU programs are installed";
  for (const auto& claim : claims_of(DeviceOption::device)) EXPECT_TRUE(types.contains(claim.type)) << claim.type;
}

/// What a table says that QEMU lacks is really not there.
TEST(QmpDeviceTypes, WhatIsSaidToBeLackingIsNotThere) {
  const auto types = types_of_all();
  if (types.empty()) GTEST_SKIP() << "not all four QEMU programs are installed";
  using enum VirtioTransport;
  for (const auto* table : sdk::device_tables()) {
    if (!table->virtio) continue;
    for (const auto& variant : table->variants) {
      for (const auto transport : {pci, ccw, mmio}) {
        if (transport == mmio && table->name == "VirtioIommu") continue;  // only the part behind the one for pci
        if ((variant.transports & sdk::transport_bit(transport)) != 0) continue;
        EXPECT_FALSE(types.contains(sdk::virtio_driver(variant.type, transport))) << variant.type;
      }
    }
  }
}

}  // namespace
}  // namespace visor::test
