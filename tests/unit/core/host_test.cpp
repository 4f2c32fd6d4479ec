// SPDX-License-Identifier: Apache-2.0
#include "visor/core/host.hpp"

#include "support.hpp"

namespace visor {
namespace {

using testing::expect_error;

class Host : public ::testing::Test {
 protected:
  std::uint64_t meminfo(const std::string& text) { return parse_meminfo(dir.file("meminfo", text)); }
  bool on_vmm(const std::string& text, const char* arch = "amd64") {
    return running_on_vmm(dir.file("cpuinfo", text), arch);
  }
  testing::TempDir dir;
};

TEST_F(Host, MemTotal) { EXPECT_EQ(meminfo("Cached: 1 kB\nMemTotal:       16384 kB\nMemFree: 5 kB\n"), 16384U); }
TEST_F(Host, MemTotalOfTheFirstGoodLine) {
  EXPECT_EQ(meminfo("MemTotal: 1\nMemTotal: x kB\nMemTotal: -1 kB\nMemTotal: 5 MB\nxMemTotal: 6 kB\nMemTotal 7 kB\n"
                    "\tMemTotal:\t8\tkB more\nMemTotal: 9 kB"),
            8U);
}
TEST_F(Host, MemTotalInOtherBases) {
  EXPECT_EQ(meminfo("MemTotal: 0x10 kB"), 16U);
  EXPECT_EQ(meminfo("MemTotal: 010 kB"), 8U);
  EXPECT_EQ(meminfo("MemTotal: 0 kB"), 0U);
}
TEST_F(Host, MemTotalMissing) {
  for (const auto* text :
       {"", "MemFree: 5 kB\n", "MemTotal:\n", "MemTotal: 99999999999999999999 kB", "MemTotal: 09 kB"}) {
    SCOPED_TRACE(text);
    expect_error(Errc::invalid_config, "Unable to get MemTotal from " + dir.path().string(), [&] { meminfo(text); });
  }
}
TEST_F(Host, MeminfoUnreadable) {
  expect_error(Errc::not_found, "/none", [&] { parse_meminfo(dir.path() / "none"); });
}

TEST_F(Host, OnVmm) { EXPECT_TRUE(on_vmm("processor : 0\nflags\t\t: fpu hypervisor sse\n")); }
TEST_F(Host, NotOnVmm) { EXPECT_FALSE(on_vmm("flags : fpu hypervisors sse\n")); }
TEST_F(Host, OnVmmFirstFlagsLineDecides) { EXPECT_FALSE(on_vmm("flags : fpu\nflags : hypervisor\n")); }
TEST_F(Host, OnVmmAnyWordThatBeginsWithFlags) { EXPECT_TRUE(on_vmm("flags: hypervisor\n")); }
TEST_F(Host, OnVmmSkipsALineOfOneWord) { EXPECT_TRUE(on_vmm("flags\nflags : hypervisor\n")); }
TEST_F(Host, OnVmmWithoutFlags) {
  expect_error(Errc::invalid_config, "Cannot find flags in ", [&] { on_vmm("processor : 0\n"); });
}
TEST_F(Host, OnVmmUnreadable) {
  expect_error(Errc::not_found, "/none", [&] { running_on_vmm(dir.path() / "none", "amd64"); });
}
TEST_F(Host, OnVmmIsNotKnownElsewhere) {
  for (const auto* arch : {"arm64", "ppc64le", "s390x"}) {
    EXPECT_FALSE(on_vmm("flags : hypervisor\n", arch));
    EXPECT_FALSE(running_on_vmm(dir.path() / "none", arch));
  }
}

TEST_F(Host, ArchitectureNames) {
  EXPECT_EQ(arch_of_machine("x86_64"), "amd64");
  EXPECT_EQ(arch_of_machine("aarch64"), "arm64");
  EXPECT_EQ(arch_of_machine("ppc64le"), "ppc64le");
  EXPECT_EQ(arch_of_machine("s390x"), "s390x");
  EXPECT_EQ(arch_of_machine("riscv64"), "riscv64");
}

HostPaths nowhere(const std::filesystem::path& dir) { return {dir / "1", dir / "2", dir / "3", dir / "4", dir / "5"}; }

TEST_F(Host, FactsOfAHostThatTellsNothing) {
  const auto facts = host_facts(nowhere(dir.path()));
  EXPECT_FALSE(facts.arch.empty());
  EXPECT_EQ(facts.memory_mib, 0U);
  EXPECT_GE(facts.cpus, 1U);
  EXPECT_FALSE(facts.kvm);
  EXPECT_TRUE(testing::contains(facts.kvm_reason, "does not exist")) << facts.kvm_reason;
  EXPECT_FALSE(facts.on_vmm || facts.vhost_net || facts.vhost_vsock);
}
TEST_F(Host, FactsFromFiles) {
  auto paths = nowhere(dir.path());
  paths.meminfo = dir.file("meminfo", "MemTotal: 2097151 kB\n");
  paths.cpuinfo =
      dir.file("cpuinfo", "processor : 0\ncpu MHz\t\t: 2199.998\nflags : hypervisor\nprocessor : 1\nprocessor : 2\n");
  paths.kvm = dir.file("kvm", "");
  paths.vhost_net = dir.file("net", "");
  const auto facts = host_facts(paths);
  EXPECT_EQ(facts.memory_mib, 2047U);
  EXPECT_EQ(facts.cpus, 3U);
  EXPECT_EQ(facts.cpu_khz, 2199998U);
  EXPECT_EQ(facts.on_vmm, facts.arch == "amd64");
  EXPECT_FALSE(facts.kvm);
  EXPECT_TRUE(testing::contains(facts.kvm_reason, "does not answer as KVM")) << facts.kvm_reason;
  EXPECT_TRUE(facts.vhost_net);
  EXPECT_FALSE(facts.vhost_vsock);
}

}  // namespace
}  // namespace visor
