// SPDX-License-Identifier: Apache-2.0
// The disk for cloud-init, made by scripts in the tool's place and by the real one where it is installed.
#include "visor/sdk/cloud_init.hpp"

#include "iso_tool.hpp"
#include "support/error_of.hpp"
#include "support/in_path.hpp"
#include "support/left_over.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::error_of;

constexpr auto limit = 30s;

/// $PATH begins with a folder of the test's; nothing but the disk may be left in another.
class CloudInitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::adopt_orphans();
    for (const auto* folder : {"bin", "seen", "run"}) fs::create_directory(root_ / folder);
    in_path_.emplace(root_ / "bin");
    fds_ = test::open_fds();
  }
  void TearDown() override {
    in_path_.reset();
    EXPECT_EQ(test::left_processes(10s), std::vector<std::string>{});
    EXPECT_EQ(test::open_fds(), fds_);
    for (const auto& entry : fs::directory_iterator{root_ / "run"}) EXPECT_EQ(entry.path(), disk());
  }

  [[nodiscard]] const fs::path& root() const noexcept { return root_; }
  [[nodiscard]] fs::path disk() const { return root() / "run/seed.iso"; }
  /// Puts a script in the tool's place; $SEEN is where it may leave what it saw.
  void tool(const std::string& script) const {
    const auto file = root() / "bin/genisoimage";
    std::ofstream{file} << "#!/bin/sh\nSEEN=" << (root() / "seen").string() << '\n' << script << '\n';
    fs::permissions(file, fs::perms::owner_all);
  }
  /// One that does as the real one.
  void working_tool() const { tool("echo \"$@\" >$SEEN/args; cp -r tree $SEEN; pwd >$SEEN/pwd; echo iso >image"); }
  [[nodiscard]] std::string seen(const std::string& name) const { return read_file(root() / "seen" / name); }
  [[nodiscard]] Error failure(const CallContext& call = limit) const {
    return error_of([&] { make_cloud_init_disk({.user_data = "u"}, disk(), call); });
  }

 private:
  test::TemporaryFolder folder_;
  const fs::path& root_ = folder_.path();
  std::optional<test::InPath> in_path_;
  std::size_t fds_ = 0;
};

TEST_F(CloudInitTest, NoCloudIsThreeFilesOnADiskCalledCidata) {
  working_tool();
  make_cloud_init_disk({.source = CloudInitSource::no_cloud,
                        .user_data = std::string{"#!/bin/sh\n\0\xff", 12},
                        .meta_data = "instance-id: i\n",
                        .network_config = "version: 2\n"},
                       disk(), limit);
  EXPECT_EQ(seen("args"), "-quiet -J -R -uid 0 -gid 0 -V cidata -o image tree\n");
  EXPECT_EQ(seen("tree/user-data"), (std::string{"#!/bin/sh\n\0\xff", 12}));
  EXPECT_EQ(seen("tree/meta-data"), "instance-id: i\n");
  EXPECT_EQ(seen("tree/network-config"), "version: 2\n");
  EXPECT_EQ(read_file(disk()), "iso\n");
}

TEST_F(CloudInitTest, AConfigDriveIsOpenStacksTree) {
  working_tool();
  make_cloud_init_disk({.user_data = "u", .meta_data = "{}", .network_config = "{\"links\": []}"}, disk(), limit);
  EXPECT_NE(seen("args").find(" -V config-2 "), std::string::npos);
  EXPECT_EQ(seen("tree/openstack/latest/user_data"), "u");
  EXPECT_EQ(seen("tree/openstack/latest/meta_data.json"), "{}");
  EXPECT_EQ(seen("tree/openstack/latest/network_data.json"), "{\"links\": []}");
}

TEST_F(CloudInitTest, SecretsAreForTheOwnerAlone) {
  tool("stat -c %a . tree/openstack/latest/user_data image >$SEEN/modes; rm image; umask 0; echo >image");
  make_cloud_init_disk({.user_data = "password"}, disk(), limit);
  EXPECT_EQ(seen("modes"), "700\n600\n600\n");
  EXPECT_EQ(fs::status(disk()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(CloudInitTest, WithoutNetworkConfigurationThereIsNoSuchFile) {
  working_tool();
  make_cloud_init_disk({.source = CloudInitSource::no_cloud, .user_data = "u", .meta_data = "m"}, disk(), limit);
  EXPECT_FALSE(fs::exists(root() / "seen/tree/network-config"));
}

TEST_F(CloudInitTest, AToolThatFailsIsQuotedAndTheOldDiskStays) {
  std::ofstream{disk()} << "old";
  tool("echo half >image; echo 'no space left' >&2; exit 5");
  const auto error = failure();
  EXPECT_EQ(to_string(error.code()), "io_error");
  EXPECT_NE(error.message().find("genisoimage ended with exit code 5: no space left"), std::string::npos)
      << error.message();
  EXPECT_NE(error.message().find(disk().string()), std::string::npos) << error.message();
  EXPECT_EQ(read_file(disk()), "old");
}

TEST_F(CloudInitTest, AToolThatMakesNothingHasFailed) {
  tool("exit 0");
  EXPECT_EQ(to_string(failure().code()), "io_error");
  tool("rm image");
  EXPECT_EQ(to_string(failure().code()), "not_found");
  EXPECT_FALSE(fs::exists(disk()));
}

TEST_F(CloudInitTest, ADeadlineEndsTheToolAndWhatItStarted) {
  tool("sleep 1000 & trap '' TERM; echo stuck >&2; while :; do sleep 1; done");
  const auto error = failure(300ms);
  EXPECT_EQ(to_string(error.code()), "timeout") << error.message();
  EXPECT_FALSE(fs::exists(disk()));
}

// What it does when it is told to end it does not get to the end of.
TEST_F(CloudInitTest, AToolThatTakesItsTimeToEndIsKilled) {
  tool("trap 'touch $SEEN/told; sleep 2; touch $SEEN/late; exit 1' TERM; while :; do sleep 0.02; done");
  EXPECT_EQ(to_string(failure(500ms).code()), "timeout");
  EXPECT_FALSE(fs::exists(root() / "seen/late"));
}

TEST_F(CloudInitTest, ACancelledCallEndsTheTool) {
  struct CancelAtRun final : ProgressSink {
    void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
      if (stage == "run") source.cancel();
    }
    CancelSource source;
  } sink;
  tool("exec sleep 1000");
  const auto error = failure({std::chrono::steady_clock::now() + limit, sink.source.token(), &sink});
  EXPECT_EQ(to_string(error.code()), "cancelled") << error.message();
}

TEST_F(CloudInitTest, ATextThatIsTooLargeIsRefused) {
  working_tool();
  const auto error =
      error_of([&] { make_cloud_init_disk({.user_data = std::string(max_cloud_init_text + 1, 'x')}, disk(), limit); });
  EXPECT_EQ(to_string(error.code()), "exhausted");
  EXPECT_NE(error.message().find("user data"), std::string::npos) << error.message();
  EXPECT_FALSE(fs::exists(root() / "seen/args"));
}

TEST_F(CloudInitTest, AMissingFolderIsNamed) {
  working_tool();
  const auto error = error_of([&] { make_cloud_init_disk({}, root() / "none/seed.iso", limit); });
  EXPECT_EQ(to_string(error.code()), "not_found");
  EXPECT_NE(error.message().find((root() / "none").string()), std::string::npos) << error.message();
}

TEST_F(CloudInitTest, AnyOfTheToolsDoesAndWithoutOneThePackagesAreNamed) {
  const auto only = [](const std::string& installed) {
    return find_iso_tool([installed](const std::string& name) {
      return name == installed ? std::optional{"/opt/" + name} : std::nullopt;
    });
  };
  EXPECT_EQ(only("mkisofs").path, "/opt/mkisofs");
  EXPECT_EQ(only("xorriso").path, "/opt/xorriso");
  EXPECT_EQ(only("xorriso").first, (std::vector<std::string>{"-as", "mkisofs"}));
  const auto error = error_of([&] { (void)only("none"); });
  EXPECT_EQ(to_string(error.code()), "unsupported");
  EXPECT_NE(error.message().find("package genisoimage or xorriso"), std::string::npos) << error.message();
}

/// ECMA-119, 8.4: the primary volume descriptor is sector 16, the volume's name 40 bytes into it.
TEST_F(CloudInitTest, TheRealToolMakesAnIsoImage) {
  try {
    make_cloud_init_disk({.source = CloudInitSource::no_cloud, .user_data = "#cloud-config\n", .meta_data = "m"},
                         disk(), limit);
  } catch (const Error& error) {
    if (error.code() != Errc::unsupported) throw;
    GTEST_SKIP() << error.message();
  }
  const auto image = read_file(disk());
  ASSERT_GT(image.size(), 17U * 2048U);
  EXPECT_EQ(image.substr(16 * 2048, 6), "\1CD001");
  EXPECT_EQ(image.substr(16 * 2048 + 40, 7), "cidata ");
  EXPECT_NE(image.find("user-data"), std::string::npos);
  EXPECT_NE(image.find("#cloud-config\n"), std::string::npos);
  EXPECT_EQ(fs::status(disk()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace
}  // namespace visor::sdk
