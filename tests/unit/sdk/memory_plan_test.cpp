// SPDX-License-Identifier: Apache-2.0
// Memory that is more than a size, and what the host's lists allow.
#include "plan_support.hpp"
#include "support/error_of.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

namespace visor::sdk::plan {
namespace {

TEST(PlanMemory, IsAnObjectWhenThatIsAskedFor) {
  const auto memory = [](auto change) {
    auto config = base("q35");
    change(config.memory);
    return values(plan_of("amd64", config), "-object");
  };
  EXPECT_EQ(memory([](auto&) {}), Lines{});
  EXPECT_EQ(memory([](auto& m) { m.prealloc = true; }),
            Lines{"memory-backend-ram,id=visor-memory,size=536870912,share=off,prealloc=on"});
  EXPECT_EQ(memory([](auto& m) { m.huge_pages = true; }),
            Lines{"memory-backend-memfd,id=visor-memory,size=536870912,share=off,hugetlb=on"});
  EXPECT_EQ(memory([](auto& m) { m.backing_dir = "/dev/shm"; }),
            Lines{"memory-backend-file,id=visor-memory,mem-path=/dev/shm,size=536870912,share=on"});
  EXPECT_EQ(refusal_of("amd64", "q35",
                       [](auto& config) {
                         config.memory.huge_pages = true;
                         config.memory.backing_dir = "/dev/hugepages";
                       }),
            "invalid_config: memory.huge_pages: not together with memory.backing_dir; leave one out");
}

TEST(PlanMemory, OfATemplateIsItsFile) {
  const auto with_template = [](bool to_be, const std::function<void(VmConfig&)>& change = {}) {
    auto config = base("q35");
    config.vm_template = {.to_be = to_be, .from = !to_be, .memory_path = "/dev/shm/m", .state_path = "/s"};
    if (change) change(config);
    return config;
  };
  const auto object = [](const VmConfig& config) { return values(plan_of("amd64", config), "-object"); };
  const std::string file = "memory-backend-file,id=visor-memory,mem-path=/dev/shm/m,size=536870912,share=";
  EXPECT_EQ(object(with_template(true)), Lines{file + "on"});
  EXPECT_EQ(object(with_template(false)), Lines{file + "off"}) << "what a clone writes nobody else sees";
  const auto refuses = [&](const std::string& text, const std::function<void(VmConfig&)>& change) {
    for (const bool to_be : {true, false}) {
      const auto error = test::error_of([&] { (void)plan_of("amd64", with_template(to_be, change)); });
      EXPECT_EQ(error.message(), text + ": not together with a template, whose memory is template.memory_path");
    }
  };
  refuses("memory.backing_dir", [](auto& c) { c.memory.backing_dir = "/dev/shm"; });
  refuses("memory.huge_pages", [](auto& c) { c.memory.huge_pages = true; });
  refuses("devices: one that another process serves", [](auto& c) {
    c.shared_fs.type = SharedFs::virtio_fs;
    c.devices.emplace_back(ShareConfig{.id = "s", .path = "/srv", .tag = "t"});
  });
}

TEST(PlanMachine, OfAStateIsOfItsRelease) {
  const auto config = base("q35");
  const auto caps = default_qemu_caps();
  const auto& arch = test::arch_of("amd64");
  const auto plan = make_plan({.config = config,
                               .arch = arch,
                               .host = {},
                               .caps = caps,
                               .accelerator = Accelerator::tcg,
                               .id = "vm",
                               .run_dir = "/run/vm",
                               .uuid = "",
                               .files = {},
                               .source = {.machine = "pc-q35-7.1", .incoming = true}});
  EXPECT_EQ(values(plan, "-incoming"), Lines{"defer"});
  EXPECT_TRUE(values(plan, "-machine").front().starts_with("pc-q35-7.1,"));
}

TEST(PlanMemory, IsLockedWhenBothFieldsSaySo) {
  const auto locked = [](bool realtime, bool lock) {
    return refusal_of("amd64", "q35", [=](auto& config) {
      config.memory.realtime = realtime;
      config.memory.lock = lock;
    });
  };
  EXPECT_EQ(locked(true, false), "invalid_config: memory.realtime: does nothing without memory.lock");
  EXPECT_EQ(locked(false, true), "invalid_config: memory.lock: needs memory.realtime");
  auto config = base("q35");
  config.memory.realtime = config.memory.lock = true;
  EXPECT_EQ(values(plan_of("amd64", config), "-overcommit"), Lines{"mem-lock=on"});
}

TEST(PlanHost, AllowsWhatItsListsHave) {
  RngConfig rng;
  rng.id = "r";
  auto hardware = with({rng});
  hardware.host.entropy_source = "/dev/hwrng";
  EXPECT_EQ(values(plan_of("amd64", hardware), "-object"), Lines{"rng-random,id=r-source,filename=/dev/hwrng"});
  rng.source = "/dev/urandom";
  hardware.devices = {rng};
  EXPECT_EQ(values(plan_of("amd64", hardware), "-object"), Lines{"rng-random,id=r-source,filename=/dev/urandom"})
      << "what is said wins, also when it is what would be the default";
  const auto answer = [&](const std::string& source, const std::string& own, const std::string& folder) {
    return refusal_of("amd64", "q35", [&](auto& config) {
      config.host.allowed_entropy_sources = {"/dev/*random", "/*/*/random"};
      config.host.allowed_backing_dirs = {"/dev/shm"};
      config.host.entropy_source = source;
      config.memory.backing_dir = folder;
      auto changed = rng;
      changed.source = own;
      config.devices = {changed};
    });
  };
  EXPECT_EQ(answer("/dev/urandom", "", "/dev/shm"), "accepted");
  EXPECT_EQ(answer("/dev/hwrng", "", ""),
            "permission_denied: host.entropy_source: /dev/hwrng is not among host.allowed_entropy_sources");
  EXPECT_EQ(answer("/dev/urandom", "/dev/mem", ""),
            "permission_denied: devices[0].source: /dev/mem is not among host.allowed_entropy_sources");
  EXPECT_EQ(answer("/dev/../proc/random", "", ""),
            "permission_denied: host.entropy_source: /dev/../proc/random is not among host.allowed_entropy_sources");
  EXPECT_EQ(answer("/dev/urandom", "", "/tmp"),
            "permission_denied: memory.backing_dir: /tmp is not among host.allowed_backing_dirs");
}

TEST(PlanRefuses, AssetsThatQemuHasNoUseFor) {
  for (const auto kind : {AssetKind::jailer, AssetKind::hypervisor_ctl}) {
    EXPECT_EQ(refusal_of("amd64", "q35", [&](auto& config) { add_custom_asset(config, {kind, "/x", ""}); }),
              "unsupported: assets: QEMU has no " + std::string{to_string(kind)} + "; leave it out");
  }
}

}  // namespace
}  // namespace visor::sdk::plan
