// SPDX-License-Identifier: Apache-2.0
// Where plugins are looked for, and how a name is found among them.
#include "support.hpp"
#include "visor/core/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <tuple>

namespace {

using namespace plugin_test;
using testing::AllOf;
using testing::HasSubstr;
using visor::Errc;
using visor::SearchStatus;

/// A variable of the environment, as long as the object lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_{name} { ::setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

/// A plugin that claims to be QEMU's for an architecture.
PluginFile qemu_plugin(std::string_view arch) {
  PluginFile file{"hostile"};
  file.rename("qemu-" + std::string{arch});
  set_field(file.identity().arch, arch);
  return file;
}

TEST(Search, GoesThroughOptionThenVariableThenDefault) {
  const TempDir first, second, third;
  const Variable path{"VISOR_PLUGIN_PATH", second.path().string() + "::" + third.path().string() + ":"};
  const visor::PluginRegistry registry{{}, {{first.path()}, true, true}};
  const auto& searched = registry.searched();
  ASSERT_EQ(searched.size(), 4u);
  EXPECT_EQ(searched[0].directory, first.path());
  EXPECT_EQ(searched[0].origin, "option");
  EXPECT_EQ(searched[1].directory, second.path());
  EXPECT_EQ(searched[1].origin, "VISOR_PLUGIN_PATH");
  EXPECT_EQ(searched[2].directory, third.path());
  EXPECT_EQ(searched[3].origin, "default");
}

TEST(Search, LeavesOutWhatItIsToldTo) {
  const TempDir folder;
  const Variable path{"VISOR_PLUGIN_PATH", folder.path().string()};
  EXPECT_TRUE((visor::PluginRegistry{{}, {{}, false, false}}.searched().empty()));
  EXPECT_EQ((visor::PluginRegistry{{}, {{}, true, false}}.searched().size()), 1u);
}

TEST(Search, SaysWhyAFolderWasNotLookedInto) {
  const TempDir folder;
  PluginFile{"polite"}.write(folder.path() / "polite.so");
  write_text(folder.path() / "file", "");
  const visor::PluginRegistry registry{
      {},
      {{"lib/plugins", folder.path() / "none", folder.path() / "file", folder.path(), folder.path() / "." / ""},
       false,
       false}};
  const auto& searched = registry.searched();
  ASSERT_EQ(searched.size(), 5u);
  EXPECT_EQ(searched[0].status, SearchStatus::refused);
  EXPECT_THAT(searched[0].detail, HasSubstr("relative"));
  EXPECT_EQ(searched[1].status, SearchStatus::missing);
  EXPECT_EQ(searched[2].status, SearchStatus::unreadable);
  EXPECT_EQ(searched[2].detail, "Not a directory");
  EXPECT_EQ(searched[3].status, SearchStatus::searched);
  EXPECT_EQ(searched[4].status, SearchStatus::repeated);
  EXPECT_EQ(registry.plugins().size(), 1u);
}

TEST(Search, NeverLooksIntoTheWorkingFolder) {
  const TempDir folder;
  PluginFile{"polite"}.write(folder.path() / "polite.so");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const Variable path{"VISOR_PLUGIN_PATH", ".:"};
  const visor::PluginRegistry registry{{}, {{"", "."}, true, false}};
  std::filesystem::current_path(before);
  EXPECT_TRUE(registry.plugins().empty());
  ASSERT_EQ(registry.searched().size(), 3u);
  for (const auto& searched : registry.searched()) EXPECT_EQ(searched.status, SearchStatus::refused);
}

TEST(Search, ListsCandidatesByNameAndLeavesOtherFilesAlone) {
  const TempDir folder;
  PluginFile{"polite"}.rename("bee").write(folder.path() / "b.so");
  PluginFile{"polite"}.rename("ant").write(folder.path() / "a.so");
  write_text(folder.path() / "c.so.1", "no candidate");
  write_text(folder.path() / "README", "no candidate");
  const auto registry = registry_of(folder.path());
  ASSERT_EQ(registry.plugins().size(), 2u);
  EXPECT_EQ(registry.plugins()[0].name, "ant");
  EXPECT_EQ(registry.plugins()[0].file, folder.path() / "a.so");
  EXPECT_EQ(registry.plugins()[0].directory, folder.path());
  EXPECT_EQ(registry.plugins()[1].name, "bee");
}

TEST(Search, TheFirstOfEqualNamesWins) {
  const TempDir first, second;
  PluginFile{"polite"}.write(first.path() / "polite.so");
  PluginFile{"polite"}.write(second.path() / "other.so");
  const visor::PluginRegistry registry{{}, {{first.path(), second.path()}, false, false}};
  ASSERT_EQ(registry.plugins().size(), 2u);
  EXPECT_TRUE(registry.plugins()[0].accepted());
  EXPECT_EQ(registry.plugins()[1].reason, "the name polite is taken by " + (first.path() / "polite.so").string());
  EXPECT_EQ(registry.resolve("polite").file, first.path() / "polite.so");
}

TEST(Search, ARejectedFileDoesNotTakeItsName) {
  const TempDir folder;
  PluginFile bad{"polite"};
  bad.identity().kind = 9;
  bad.write(folder.path() / "a.so");
  PluginFile{"polite"}.write(folder.path() / "b.so");
  EXPECT_EQ(registry_of(folder.path()).resolve("polite").file, folder.path() / "b.so");
}

TEST(Resolve, QemuMeansThePluginOfTheGuestArchitecture) {
  const TempDir folder;
  for (const char* arch : {"amd64", "arm64", "ppc64le", "s390x"}) {
    qemu_plugin(arch).write(folder.path() / (std::string{arch} + ".so"));
  }
  const auto registry = registry_of(folder.path());
  EXPECT_EQ(registry.resolve("qemu", "s390x").name, "qemu-s390x");
  EXPECT_EQ(registry.resolve("qemu", "ppc64le").name, "qemu-ppc64le");
  EXPECT_EQ(registry.resolve("qemu-arm64").name, "qemu-arm64");
  EXPECT_EQ(registry.resolve("qemu-arm64", "arm64").name, "qemu-arm64");
  const auto error = error_of([&] { std::ignore = registry.resolve("qemu-arm64", "amd64"); });
  EXPECT_EQ(error.code(), Errc::invalid_config);
  EXPECT_THAT(error.message(), AllOf(HasSubstr("arm64"), HasSubstr("amd64")));
}

TEST(Resolve, QemuMeansTheHostsArchitectureByDefault) {
  const TempDir folder;
  qemu_plugin(visor::host_facts().arch).write(folder.path() / "a.so");
  qemu_plugin("other").write(folder.path() / "b.so");
  EXPECT_EQ(registry_of(folder.path()).resolve("qemu").arch, visor::host_facts().arch);
}

TEST(Resolve, AnotherKindOfHypervisorServesAnyArchitecture) {
  const TempDir folder;
  PluginFile{"polite"}.write(folder.path() / "polite.so");
  EXPECT_EQ(registry_of(folder.path()).resolve("polite", "s390x").name, "polite");
}

TEST(Resolve, AnUnknownNameListsWhatIsThereAndWhereItLooked) {
  const TempDir folder;
  PluginFile{"polite"}.write(folder.path() / "polite.so");
  const visor::PluginRegistry registry{{}, {{folder.path(), folder.path() / "none"}, false, false}};
  for (const char* name : {"bhyve", "qemu"}) {
    const auto error = error_of([&] { std::ignore = registry.resolve(name, "s390x"); });
    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("there are: polite"), HasSubstr(folder.path().string() + ","),
                                       HasSubstr((folder.path() / "none").string() + " (missing)")));
  }
  EXPECT_THAT(error_of([&] { std::ignore = registry.resolve("qemu", "s390x"); }).message(), HasSubstr("'s390x'"));
}

TEST(Resolve, ARejectedOneSaysWhy) {
  const TempDir folder;
  auto plugin = qemu_plugin("amd64");
  set_field(plugin.identity().fingerprint, "glibcxx99");
  plugin.write(folder.path() / "plugin.so");
  write_text(folder.path() / "mock.so", "this is not a plugin");
  const auto registry = registry_of(folder.path());
  for (const auto& [name, text] :
       {std::pair{"qemu", "glibcxx99"}, {"qemu-amd64", "glibcxx99"}, {"mock", "not an ELF"}}) {
    const auto error = error_of([&] { std::ignore = registry.resolve(name, "amd64"); });
    EXPECT_EQ(error.code(), Errc::incompatible_plugin);
    EXPECT_THAT(error.message(), AllOf(HasSubstr("was refused"), HasSubstr(text), HasSubstr(folder.path().string())));
  }
}

TEST(Paths, LieBesideTheLibrary) {
  const auto plugins = visor::default_plugin_dir();
  EXPECT_TRUE(plugins.is_absolute());
  EXPECT_TRUE(plugins.string().ends_with("/visorkit/plugins")) << plugins;
  EXPECT_TRUE(std::filesystem::exists(plugins.parent_path().parent_path() / "libvisor-runtime.so")) << plugins;
  const auto keeper = visor::default_keeper_path();
  EXPECT_TRUE(keeper.string().ends_with("/libexec/visorkit/visor-keeper")) << keeper;
}

TEST(Paths, TheKeeperCanBeAnother) {
  {
    const Variable path{"VISOR_KEEPER_PATH", "/opt/keeper"};
    EXPECT_EQ(visor::default_keeper_path(), "/opt/keeper");
  }
  const Variable path{"VISOR_KEEPER_PATH", "keeper"};
  EXPECT_EQ(error_of([] { std::ignore = visor::default_keeper_path(); }).code(), Errc::invalid_config);
}

TEST(Names, AreStable) {
  EXPECT_EQ(to_string(visor::PluginKind::qemu), "qemu");
  EXPECT_EQ(to_string(visor::PluginKind::other), "other");
  EXPECT_EQ(to_string(visor::PluginKind::unknown), "unknown");
  EXPECT_EQ(to_string(SearchStatus::missing), "missing");
  EXPECT_EQ(to_string(SearchStatus::refused), "refused");
}

}  // namespace
