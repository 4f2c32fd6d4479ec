// SPDX-License-Identifier: Apache-2.0
// Opening a plugin: what can go wrong between an accepted file and a hypervisor.
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace {

using namespace plugin_test;
using testing::AllOf;
using testing::HasSubstr;
using visor::Errc;

/// The error of opening this file, which the search accepts.
visor::Error open_error(const PluginFile& plugin, visor::Params options = {}) {
  const TempDir folder;
  const auto file = plugin.write(folder.path() / "plugin.so");
  auto registry = registry_of(folder.path(), std::move(options));
  EXPECT_TRUE(registry.plugins().at(0).accepted()) << registry.plugins()[0].reason;
  auto error = error_of([&] { std::ignore = registry.open_hypervisor(registry.plugins()[0].name); });
  EXPECT_FALSE(mapped(file)) << "what failed is gone again";
  return error;
}

TEST(Load, SearchingMapsNothing) {
  const auto registry = registry_of(FIXTURE_DIR);
  EXPECT_GE(registry.plugins().size(), 5u);
  EXPECT_FALSE(mapped(FIXTURE_DIR));
}

TEST(Load, GivesAHypervisorWithTheHostsContext) {
  const TempDir folder;
  const auto file = PluginFile{"polite"}.write(folder.path() / "plugin.so");
  visor::HostContext host;
  host.keeper_path = "/opt/keeper";
  visor::PluginRegistry registry{host, {{folder.path()}, false, false}};
  const auto hypervisor = registry.open_hypervisor("polite");
  EXPECT_TRUE(mapped(file));
  EXPECT_EQ(hypervisor->info().name, "polite");
  EXPECT_EQ(hypervisor->command_line({}, "vm", "/run").at(0), "/opt/keeper");
}

TEST(Load, SaysWhichLibraryIsMissing) {
  const auto error = open_error(PluginFile{"polite"}.replace("libvisor-core.so", "libvisor-c0re.so"));
  EXPECT_EQ(error.code(), Errc::incompatible_plugin);
  EXPECT_THAT(error.message(),
              testing::MatchesRegex("Cannot load the plugin /.*/plugin\\.so: libvisor-c0re\\.so\\.[0-9.]+: "
                                    "cannot open shared object file: No such file or directory"));
}

TEST(Load, SaysWhichSymbolIsMissing) {
  // Found because all is bound at once: no call of this run would come to it.
  const auto error =
      open_error(PluginFile{"polite"}.replace("_ZN5visor10EventQueue5closeEv", "_ZN5visor10EventQueue5cl0seEv"));
  EXPECT_EQ(error.code(), Errc::incompatible_plugin);
  EXPECT_THAT(error.message(), HasSubstr("undefined symbol: _ZN5visor10EventQueue5cl0seEv"));
}

TEST(Load, WantsTheEntry) {
  const auto error = open_error(PluginFile{"polite"}.replace("visor_plugin_entry", "visor_plugin_3ntry"));
  EXPECT_EQ(error.code(), Errc::incompatible_plugin);
  EXPECT_THAT(error.message(), HasSubstr("does not export visor_plugin_entry"));
}

TEST(Load, WantsAnEntryOfTheRightSize) {
  const auto error = open_error(PluginFile{"wrong_entry_size"});
  EXPECT_EQ(error.code(), Errc::incompatible_plugin);
  EXPECT_THAT(error.message(), HasSubstr("8 bytes instead of 24"));
}

TEST(Load, WantsAFactory) {
  const auto error = open_error(PluginFile{"no_factory"});
  EXPECT_EQ(error.code(), Errc::incompatible_plugin);
  EXPECT_THAT(error.message(), HasSubstr("no factory"));
}

TEST(Load, ComparesWhatWasMappedWithWhatWasRead) {
  PluginFile plugin{"polite"};
  auto identity = plugin.identity();
  set_field(identity.compiler, "another one");
  const auto end = plugin.bytes().size();
  plugin.identity_section().sh_offset = end;
  plugin.bytes().append(reinterpret_cast<const char*>(&identity), sizeof identity);
  const auto error = open_error(plugin);
  EXPECT_EQ(error.code(), Errc::incompatible_plugin);
  EXPECT_THAT(error.message(), HasSubstr("not what was read"));
}

TEST(Factory, ThatReturnsNothingIsAnError) {
  const auto error = open_error(PluginFile{"polite"}, {{"factory", "null"}});
  EXPECT_EQ(error.code(), Errc::internal);
  EXPECT_EQ(error.message(), "Plugin polite failed in its factory: it returned nothing");
}

TEST(Factory, MayThrowAnything) {
  for (const auto& [wish, text] : {std::pair{"runtime_error", "std::runtime_error: no luck today"},
                                   {"int", "of type int"},
                                   {"private", "PrivateError"}}) {
    const auto error = open_error(PluginFile{"polite"}, {{"factory", wish}});
    EXPECT_EQ(error.code(), Errc::internal);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("Plugin polite failed in its factory"), HasSubstr(text)));
  }
}

TEST(Factory, KeepsTheCodeOfAnError) {
  const auto error = open_error(PluginFile{"polite"}, {{"factory", "error"}});
  EXPECT_EQ(error.code(), Errc::unsupported);
  EXPECT_EQ(error.message(), "Plugin polite cannot be opened: This host has no /dev/kvm");
}

TEST(Factory, OfArchitectureFactsIsForQemuAlone) {
  const TempDir folder;
  PluginFile{"polite"}.write(folder.path() / "plugin.so");
  auto registry = registry_of(folder.path());
  EXPECT_EQ(error_of([&] { std::ignore = registry.open_arch("polite"); }).code(), Errc::unsupported);
}

TEST(Load, LooksAgainAtAFileThatWasExchanged) {
  const TempDir folder;
  const auto file = PluginFile{"polite"}.write(folder.path() / "plugin.so");
  auto registry = registry_of(folder.path());
  const auto error = [&] { return error_of([&] { std::ignore = registry.open_hypervisor("polite"); }); };

  std::filesystem::remove(file);
  EXPECT_THAT(error().message(), HasSubstr("cannot be opened"));
  write_text(file, "no plugin any more");
  EXPECT_THAT(error().message(), HasSubstr("not an ELF file"));
  PluginFile{"polite"}.rename("other").write(file);
  EXPECT_THAT(error().message(), HasSubstr("holds other now"));
  PluginFile{"polite"}.write(file);
  EXPECT_EQ(registry.open_hypervisor("polite")->info().name, "polite");
}

TEST(Load, UnknownAndRejectedNamesAreErrors) {
  const TempDir folder;
  write_text(folder.path() / "bad.so", "no plugin");
  auto registry = registry_of(folder.path());
  EXPECT_EQ(error_of([&] { std::ignore = registry.open_hypervisor("none"); }).code(), Errc::not_found);
  EXPECT_EQ(error_of([&] { std::ignore = registry.open_hypervisor("bad"); }).code(), Errc::incompatible_plugin);
  EXPECT_EQ(error_of([&] { std::ignore = registry.open_arch("bad"); }).code(), Errc::incompatible_plugin);
}

}  // namespace
