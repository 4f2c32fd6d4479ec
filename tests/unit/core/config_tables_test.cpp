// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"

#include <functional>
#include <map>
#include <set>

namespace visor {
namespace {

void each_section(const Section& table, const std::function<void(const Section&)>& visit) {
  visit(table);
  for (const auto& field : table.fields) {
    if (field.section != nullptr) each_section(*field.section, visit);
  }
}

void each_section(const std::function<void(const Section&)>& visit) {
  each_section(vm_config_section(), visit);
  for (const auto& table : device_sections()) each_section(table, visit);
}

void each_field(const std::function<void(const Section&, const Field&)>& visit) {
  each_section([&](const Section& table) {
    for (const auto& field : table.fields) {
      SCOPED_TRACE(std::string{table.name} + "." + std::string{field.key});
      visit(table, field);
    }
  });
}

TEST(ConfigTables, KeysAreUniqueAndOfOneForm) {
  each_section([](const Section& table) {
    std::set<std::string_view> keys;
    for (const auto& field : table.fields) {
      EXPECT_TRUE(keys.insert(field.key).second) << table.name << "." << field.key;
      EXPECT_EQ(field.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos)
          << table.name << "." << field.key;
    }
  });
}

TEST(ConfigTables, EveryFieldIsDocumentedInOneLineOfText) {
  each_field([](const Section&, const Field& field) {
    EXPECT_FALSE(field.doc.empty());
    EXPECT_EQ(field.doc.find_first_of("|\n"), std::string_view::npos);
    EXPECT_EQ(field.doc.back(), '.');
  });
}

TEST(ConfigTables, EveryFieldHasTheFunctionsOfItsKind) {
  each_field([](const Section& table, const Field& field) {
    const bool nested = field.kind == FieldKind::section || field.kind == FieldKind::sections;
    const bool devices = field.kind == FieldKind::devices;
    EXPECT_EQ(field.get == nullptr, nested || devices);
    EXPECT_EQ(field.set == nullptr, nested || devices);
    EXPECT_EQ(field.member != nullptr, nested || devices);
    EXPECT_EQ(field.item != nullptr, field.kind == FieldKind::sections);
    EXPECT_EQ(field.section != nullptr, nested);
    EXPECT_NE(table.defaults, nullptr);
  });
}

TEST(ConfigTables, RangesAndChoicesAreThere) {
  each_field([](const Section&, const Field& field) {
    const bool number = field.kind == FieldKind::integer || field.kind == FieldKind::size;
    EXPECT_EQ(field.min < field.max, number);
    EXPECT_EQ(field.choices.empty(), field.kind != FieldKind::choice);
  });
}

TEST(ConfigTables, HostPathsAreForTheAdministrator) {
  each_field([](const Section&, const Field& field) {
    const bool path = field.kind == FieldKind::path || field.kind == FieldKind::paths;
    EXPECT_TRUE(!path || field.trust == Trust::host_admin);
  });
}

TEST(ConfigTables, NoTwoFieldsShareAMember) {
  each_section([](const Section& table) {
    std::set<const void*> functions;
    for (const auto& field : table.fields) {
      const auto* function =
          field.get != nullptr ? reinterpret_cast<const void*>(field.get) : reinterpret_cast<const void*>(field.member);
      EXPECT_TRUE(functions.insert(function).second) << table.name << "." << field.key;
    }
  });
}

/// Stands for a value of any type, to count the members of an aggregate.
struct Anything {
  template <class T>
  operator T() const {  // NOLINT(google-explicit-constructor): never called, only asked about
    throw Error(Errc::internal, "never called");
  }
};

template <class Struct, class... Values>
constexpr std::size_t members_of() {
  if constexpr (requires { Struct{Values{}..., Anything{}}; }) {
    return members_of<Struct, Values..., Anything>();
  } else {
    return sizeof...(Values);
  }
}
static_assert(members_of<CpuConfig>() == 4);

/// VmConfig is no aggregate, but its members are bound one by one: another number of names does not compile.
template <>
constexpr std::size_t members_of<VmConfig>() {
  [[maybe_unused]] constexpr auto bind = [](const VmConfig& config) {
    [[maybe_unused]] const auto& [name, hypervisor, arch, debug, ephemeral, machine, cpu, memory, boot, assets,
                                  templates, storage, shared_fs, network, console, ready, policy, host, devices] =
        config;
  };
  return 19;
}

/// Together with the test before: every member has its field.
TEST(ConfigTables, AsManyFieldsAsMembers) {
  std::map<std::string_view, std::size_t> members = {{"vm", members_of<VmConfig>()},
                                                     {"machine", members_of<MachineConfig>()},
                                                     {"cpu", members_of<CpuConfig>()},
                                                     {"memory", members_of<MemoryConfig>()},
                                                     {"boot", members_of<BootConfig>()},
                                                     {"asset", members_of<CustomAsset>()},
                                                     {"template", members_of<TemplateConfig>()},
                                                     {"storage", members_of<StorageConfig>()},
                                                     {"shared_fs", members_of<SharedFsConfig>()},
                                                     {"network", members_of<NetworkConfig>()},
                                                     {"console", members_of<ConsoleConfig>()},
                                                     {"ready", members_of<ReadyConfig>()},
                                                     {"policy", members_of<PolicyConfig>()},
                                                     {"host", members_of<HostConfig>()},
                                                     {"disk", members_of<DiskConfig>()},
                                                     {"share", members_of<ShareConfig>()},
                                                     {"nic", members_of<NicConfig>()},
                                                     {"serial_port", members_of<SerialPortConfig>()},
                                                     {"vsock", members_of<VsockConfig>()},
                                                     {"vfio", members_of<VfioConfig>()},
                                                     {"vhost_user", members_of<VhostUserConfig>()},
                                                     {"rng", members_of<RngConfig>()},
                                                     {"balloon", members_of<BalloonConfig>()},
                                                     {"panic", members_of<PanicConfig>()},
                                                     {"watchdog", members_of<WatchdogConfig>()},
                                                     {"fw_cfg", members_of<FwCfgConfig>()},
                                                     {"iommu", members_of<IommuConfig>()},
                                                     {"iothread", members_of<IoThreadConfig>()},
                                                     {"cloud_init", members_of<CloudInitConfig>()},
                                                     {"raw", members_of<RawDeviceConfig>()}};
  each_section([&](const Section& table) { EXPECT_EQ(table.fields.size(), members[table.name]) << table.name; });
}

TEST(ConfigTables, DeviceTypesAreThoseOfTheVariant) {
  ASSERT_EQ(device_sections().size(), std::variant_size_v<DeviceVariant>);
  EXPECT_EQ(device_sections().front().name, "disk");
  EXPECT_EQ(device_sections().back().name, "raw");
  EXPECT_EQ(device_type(DeviceConfig{FwCfgConfig{}}), "fw_cfg");
}

TEST(ConfigTables, DeviceIds) {
  DeviceConfig device = NicConfig{};
  set_device_id(device, "net0");
  EXPECT_EQ(device_id(device), "net0");
  EXPECT_EQ(std::get<NicConfig>(device).id, "net0");
}

TEST(ConfigTables, DefaultsWriteNothing) { EXPECT_EQ(to_value(VmConfig{}), Value::map()); }

TEST(ConfigTables, AllLeavesOutOnlyWhatIsNotSet) {
  const auto all = to_value(VmConfig{}, true);
  EXPECT_EQ(all.at("hypervisor").as_string(), "qemu");
  EXPECT_EQ(all.find("name"), nullptr);
  EXPECT_EQ(all.at("machine").find("bridges"), nullptr);
  EXPECT_EQ(all.at("machine").find("root_ports"), nullptr);
  EXPECT_TRUE(all.at("devices").as_list().empty());
}

}  // namespace
}  // namespace visor
