// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <functional>
#include <string>
#include <vector>

namespace visor::sdk {
namespace {

KeeperSpec valid() {
  KeeperSpec spec;
  spec.main.name = "qemu";
  spec.main.argv = {"/usr/bin/qemu"};
  spec.main.fds = {{3, FdSource::listener, "/run/a", -1}};
  spec.helpers.resize(1);
  spec.helpers[0].name = "aide";
  spec.helpers[0].argv = {"/bin/aide"};
  spec.watch.journal.sources = {{"qmp", "/run/a", ""}};
  return spec;
}

TEST(SpecTest, TheFixtureIsValid) { EXPECT_NO_THROW(valid().validate()); }

struct Break {
  const char* what;
  std::function<void(KeeperSpec&)> change;
};

const std::vector<Break>& breaks() {
  static const std::vector<Break> list = {
      {"argv[0]", [](KeeperSpec& s) { s.main.argv.clear(); }},
      {"argv[0]", [](KeeperSpec& s) { s.main.argv = {"qemu"}; }},
      {"zero byte", [](KeeperSpec& s) { s.main.argv.push_back(std::string("a\0b", 3)); }},
      {"4096", [](KeeperSpec& s) { s.main.argv.resize(5000, "x"); }},
      {"KEY=value", [](KeeperSpec& s) { s.main.env = {"novalue"}; }},
      {"KEY=value", [](KeeperSpec& s) { s.main.env = {"=x"}; }},
      {"working_dir", [](KeeperSpec& s) { s.main.working_dir = "relative"; }},
      {"cgroup_dir", [](KeeperSpec& s) { s.main.cgroup_dir = "relative"; }},
      {"fd 256", [](KeeperSpec& s) { s.main.fds[0].target = 256; }},
      {"fd -1", [](KeeperSpec& s) { s.main.fds[0].target = -1; }},
      {"fd 3 is listed twice", [](KeeperSpec& s) { s.main.fds.push_back({3, FdSource::null, {}, -1}); }},
      {"no host_fd", [](KeeperSpec& s) { s.main.fds[0].source = FdSource::inherited; }},
      {"unknown source", [](KeeperSpec& s) { s.main.fds[0].source = static_cast<FdSource>(99); }},
      {"Two listeners", [](KeeperSpec& s) { s.helpers[0].fds = {{3, FdSource::listener, "/run/a", -1}}; }},
      {"A console", [](KeeperSpec& s) { s.helpers[0].fds = {{0, FdSource::console, {}, -1}}; }},
      {"A console",
       [](KeeperSpec& s) {
         s.main.fds = {{0, FdSource::console, {}, -1}};
         s.watch.console.connect_path = "/run/c";
       }},
      {"resource limit", [](KeeperSpec& s) { s.main.limits = {{99, 1, 1}}; }},
      {"softly", [](KeeperSpec& s) { s.main.limits = {{7, 2, 1}}; }},
      {"1024 groups", [](KeeperSpec& s) { s.main.credentials = Credentials{1, 1, std::vector<gid_t>(2000, 1)}; }},
      {"ring_bytes", [](KeeperSpec& s) { s.main.stderr_capture.ring_bytes = 0; }},
      {"log_path", [](KeeperSpec& s) { s.main.stderr_capture.log_path = "log"; }},
      {"log_bytes",
       [](KeeperSpec& s) {
         s.main.stderr_capture.log_path = "/log";
         s.main.stderr_capture.log_bytes = 1;
       }},
      {"Process name", [](KeeperSpec& s) { s.main.name = "a b"; }},
      {"Process name", [](KeeperSpec& s) { s.main.name = ""; }},
      {"Two processes", [](KeeperSpec& s) { s.helpers[0].name = "qemu"; }},
      {"16 helper", [](KeeperSpec& s) { s.helpers.resize(17); }},
      {"Journal source", [](KeeperSpec& s) { s.watch.journal.sources[0].name = "x y"; }},
      {"listed twice", [](KeeperSpec& s) { s.watch.journal.sources.resize(2, s.watch.journal.sources[0]); }},
      {"8 journal", [](KeeperSpec& s) { s.watch.journal.sources.resize(9); }},
      {"send_on_connect", [](KeeperSpec& s) { s.watch.journal.sources[0].send_on_connect.resize(5000); }},
      {"not absolute", [](KeeperSpec& s) { s.watch.journal.sources[0].connect_path = "rel"; }},
      {"10 minutes", [](KeeperSpec& s) { s.watch.term_ms = 1'000'000; }},
  };
  return list;
}

TEST(SpecTest, EachBrokenRuleIsNamed) {
  for (const auto& [what, change] : breaks()) {
    auto spec = valid();
    change(spec);
    try {
      spec.validate();
      ADD_FAILURE() << what << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_config);
      EXPECT_NE(error.message().find(what), std::string::npos) << error.message();
    }
  }
}

TEST(SpecTest, TheErrorNamesTheProcess) {
  auto spec = valid();
  spec.helpers[0].argv[0] = "aide";
  EXPECT_THROW(
      {
        try {
          spec.validate();
        } catch (const Error& error) {
          EXPECT_EQ(error.message(), "Process 'aide': argv[0] must be an absolute path");
          throw;
        }
      },
      Error);
}

TEST(SpecTest, ASocketPathHas107BytesAtMost) {
  EXPECT_NO_THROW(check_socket_path("/" + std::string(106, 'x')));
  const auto path = "/" + std::string(107, 'x');
  try {
    check_socket_path(path);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_config);
    EXPECT_EQ(error.message(), "Socket path '" + path + "' has 108 bytes; the limit is 107: use a shorter run folder");
  }
}

TEST_F(ProcessTest, ALongRunFolderIsRefusedBeforeAnythingStarts) {
  auto where = options();
  where.run_dir = "/tmp/" + std::string(100, 'x');
  const auto error = error_of([&] { Keeper::launch(shell("exit 0"), where); });
  EXPECT_EQ(error.code(), Errc::invalid_config);
  EXPECT_NE(error.message().find("keeper.sock"), std::string::npos) << error.message();
}

TEST(SpecTest, AnAdoptionNeedsAnIdentity) {
  AdoptSpec spec;
  spec.main = {"qemu", {1234, 5678}};
  EXPECT_NO_THROW(spec.validate());
  spec.main.identity.start_time = 0;
  EXPECT_THROW(spec.validate(), Error);
  spec.main.identity = {1, 5};
  EXPECT_THROW(spec.validate(), Error);
}

}  // namespace
}  // namespace visor::sdk
