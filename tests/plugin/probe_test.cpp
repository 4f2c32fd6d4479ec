// SPDX-License-Identifier: Apache-2.0
// What the registry says of files that are no plugins, or plugins of other hosts, without running them.
#include "support.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace plugin_test;
using testing::AllOf;
using testing::HasSubstr;

std::string reason_with(const std::function<void(PluginFile&)>& damage) {
  PluginFile file{"polite"};
  damage(file);
  const auto info = examine(file);
  EXPECT_EQ(info.refusal, visor::Errc::incompatible_plugin);
  return info.reason;
}

std::string reason_with_identity(const std::function<void(visor_plugin_identity_t&)>& change) {
  return reason_with([&](PluginFile& file) { change(file.identity()); });
}

TEST(Probe, AcceptsAPluginAndReadsItsIdentity) {
  const auto info = examine(PluginFile{"polite"});
  EXPECT_TRUE(info.accepted()) << info.reason;
  EXPECT_EQ(info.name, "polite");
  EXPECT_EQ(info.arch, "any");
  EXPECT_EQ(info.kind, visor::PluginKind::other);
  EXPECT_EQ(info.sdk_version, VISOR_SDK_VERSION);
  EXPECT_EQ(info.fingerprint, VISOR_FINGERPRINT);
  EXPECT_THAT(info.compiler, testing::MatchesRegex("(gcc|clang) [0-9.]+"));
}

TEST(Probe, RejectsWhatIsNoElfFile) {
  EXPECT_EQ(reason_with([](PluginFile& file) { file.bytes() = ""; }), "the file is empty");
  EXPECT_EQ(reason_with([](PluginFile& file) { file.bytes() = "#!/bin/sh\necho plugin\n"; }), "it is not an ELF file");
  EXPECT_EQ(reason_with([](PluginFile& file) { file.bytes() = "\x7f"; }), "it is not an ELF file");
  EXPECT_EQ(reason_with([](PluginFile& file) {
              file.bytes() =
                  "\x7f"
                  "ELF";
            }),
            "the file is truncated");
}

TEST(Probe, RejectsOtherKindsOfElfFile) {
  const auto other_class = [](PluginFile& file) { file.header().e_ident[EI_CLASS] = ELFCLASS32; };
  EXPECT_THAT(reason_with(other_class), HasSubstr("not a 64-bit ELF file"));
  const auto other_order = [](PluginFile& file) { file.header().e_ident[EI_DATA] ^= 3; };
  EXPECT_THAT(reason_with(other_order), HasSubstr("byte order"));
  const auto other_machine = [](PluginFile& file) { file.header().e_machine = EM_RISCV; };
  EXPECT_THAT(reason_with(other_machine), HasSubstr("built for ELF machine 243, this program for "));
  const auto object_file = [](PluginFile& file) { file.header().e_type = ET_REL; };
  EXPECT_EQ(reason_with(object_file), "it is not a shared object");
}

TEST(Probe, RejectsALibraryWithoutIdentity) {
  EXPECT_THAT(reason_with([](PluginFile& file) { file.replace(VISOR_PLUGIN_SECTION, ".other.plugin"); }),
              HasSubstr("no section " VISOR_PLUGIN_SECTION));
  EXPECT_EQ(reason_with([](PluginFile& file) { file.header().e_shnum = 0; }), "it has no section headers");
  EXPECT_THAT(reason_with([](PluginFile& file) { file.identity_section().sh_size = 191; }), HasSubstr("too small"));
  EXPECT_THAT(reason_with([](PluginFile& file) { file.identity_section().sh_type = SHT_NOBITS; }),
              HasSubstr("too small"));
}

TEST(Probe, RejectsTablesThatLieBeyondTheFile) {
  constexpr auto beyond = ~std::uint64_t{0} - 64;
  EXPECT_EQ(reason_with([](PluginFile& file) { file.header().e_shoff = beyond; }), "the file is truncated");
  EXPECT_EQ(reason_with([](PluginFile& file) { file.header().e_phoff = beyond; }), "the file is truncated");
  EXPECT_EQ(reason_with([](PluginFile& file) { file.identity_section().sh_offset = beyond; }), "the file is truncated");
  EXPECT_THAT(reason_with([](PluginFile& file) { file.header().e_shentsize = 1; }), HasSubstr("damaged"));
}

TEST(Probe, NamesBothSidesOfAMismatch) {
  EXPECT_THAT(reason_with_identity([](auto& id) { id.magic = 0; }), HasSubstr("magic"));
  EXPECT_THAT(reason_with_identity([](auto& id) { id.abi = 77; }),
              AllOf(HasSubstr("ABI 77"), HasSubstr("this host has " VISOR_STRINGIFY(VISOR_PLUGIN_ABI))));
  EXPECT_THAT(reason_with_identity([](auto& id) { id.size = 200; }), HasSubstr("200 bytes instead of 192"));
  EXPECT_THAT(reason_with_identity([](auto& id) { set_field(id.fingerprint, "glibcxx99.cxx11abi0.ptr8"); }),
              AllOf(HasSubstr("glibcxx99.cxx11abi0.ptr8"), HasSubstr("this host has " VISOR_FINGERPRINT)));
  EXPECT_THAT(reason_with_identity([](auto& id) { set_field(id.sdk_version, "9.4.1"); }),
              AllOf(HasSubstr("SDK 9.4.1"), HasSubstr("this host has " VISOR_SDK_VERSION)));
  EXPECT_THAT(reason_with_identity([](auto& id) { id.kind = 9; }), HasSubstr("kind 9"));
}

TEST(Probe, AcceptsAnotherPatchLevelOfTheSdk) {
  PluginFile file{"polite"};
  const std::string version = VISOR_SDK_VERSION;
  set_field(file.identity().sdk_version, version.substr(0, version.rfind('.')) + ".99");
  EXPECT_TRUE(examine(file).accepted());
}

TEST(Probe, RejectsTextsThatAreNone) {
  EXPECT_THAT(reason_with_identity([](auto& id) { std::memset(id.name, 'x', sizeof id.name); }),
              HasSubstr("not closed"));
  EXPECT_THAT(reason_with_identity([](auto& id) { set_field(id.compiler, "gcc\x1b[31m"); }),
              HasSubstr("not printable"));
  EXPECT_THAT(reason_with_identity([](auto& id) { set_field(id.name, ""); }), HasSubstr("empty"));
  EXPECT_THAT(reason_with_identity([](auto& id) { set_field(id.name, "two words"); }), HasSubstr("characters"));
  PluginFile file{"polite"};
  set_field(file.identity().name, "a\x1b[31mb");
  EXPECT_EQ(examine(file).name, "a?[31mb");
}

TEST(Probe, RejectsWhatIsNoFile) {
  const TempDir folder;
  std::filesystem::create_directory(folder.path() / "a.so");
  ASSERT_EQ(::mkfifo((folder.path() / "b.so").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", folder.path() / "c.so");
  const auto registry = registry_of(folder.path());
  ASSERT_EQ(registry.plugins().size(), 3u);
  EXPECT_EQ(registry.plugins()[0].reason, "it is not a regular file");
  EXPECT_EQ(registry.plugins()[1].reason, "it is not a regular file");
  EXPECT_THAT(registry.plugins()[2].reason, HasSubstr("cannot be opened"));
}

/// Every length near the tables that are read, and many between.
TEST(Probe, SurvivesEveryTruncation) {
  const TempDir folder;
  PluginFile plugin{"polite"};
  const auto file = plugin.write(folder.path() / "plugin.so");
  const auto size = plugin.bytes().size();
  const std::size_t stride = std::max<std::size_t>(1, size / 1500);
  std::size_t tried = 0;
  for (std::size_t length = size; length-- > 0;) {
    const bool near_a_table = length < 1024 || length + 1024 > size;
    if (!near_a_table && length % stride != 0) continue;
    ASSERT_EQ(::truncate(file.c_str(), static_cast<off_t>(length)), 0);
    const auto registry = registry_of(folder.path());
    ASSERT_FALSE(registry.plugins().at(0).accepted()) << "with " << length << " of " << size << " bytes";
    ++tried;
  }
  EXPECT_GT(tried, 2000u);
}

/// Each byte of the ELF header and of the section headers, once all bits set and once none.
TEST(Probe, SurvivesEveryDamagedHeaderByte) {
  const TempDir folder;
  PluginFile plugin{"polite"};
  const auto file = plugin.write(folder.path() / "plugin.so");
  const auto size = plugin.bytes().size();
  const auto table = plugin.header().e_shoff;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  std::size_t looked_at = 0;
  const auto try_byte = [&](std::size_t offset) {
    for (const char damage : {'\0', '\xff'}) {
      ASSERT_EQ(::pwrite(fd, &damage, 1, static_cast<off_t>(offset)), 1);
      looked_at += registry_of(folder.path()).plugins().size();
    }
    ASSERT_EQ(::pwrite(fd, &plugin.bytes()[offset], 1, static_cast<off_t>(offset)), 1);
  };
  for (std::size_t offset = 0; offset < sizeof(Elf64_Ehdr); ++offset) try_byte(offset);
  for (std::size_t offset = table;
       offset < std::min(size, table + std::size_t{plugin.header().e_shnum} * sizeof(Elf64_Shdr)); ++offset) {
    try_byte(offset);
  }
  ::close(fd);
  EXPECT_GT(looked_at, 2000u);
  EXPECT_TRUE(registry_of(folder.path()).plugins().at(0).accepted()) << "the file is whole again";
}

}  // namespace
