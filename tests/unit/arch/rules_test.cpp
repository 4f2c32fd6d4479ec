// SPDX-License-Identifier: Apache-2.0
// Answers that depend on more than the machine, and what is refused in which words.
#include "question.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace visor::test {
namespace {

using Change = std::function<void(Question&)>;

/// "code: message" of what is thrown, or "accepted".
std::string refusal(std::string_view arch, const Change& change) {
  Question question{arch};
  change(question);
  try {
    question.arch.validate(question.in());
  } catch (const Error& error) {
    return std::string{to_string(error.code())} + ": " + error.message();
  }
  return "accepted";
}

std::string option(const std::vector<QemuOption>& options, std::string_view key) {
  for (const auto& option : options) {
    if (option.key == key) return option.value;
  }
  return "none";
}

void use_nvdimm(Question& question) { question.config.boot.image_attachment = ImageAttachment::nvdimm; }
void use_pflash(Question& question) { question.config.boot.pflash = {"/f/code.fd", "/f/vars.fd"}; }
void use_firmware(Question& question) { question.config.boot.firmware = "/f/efi.fd"; }
void plug_memory(Question& question) { question.config.memory.max_size_mib = 1024; }

TEST(Identity, NamesTheProgramAndItsPackage) {
  struct Names {
    std::string arch, machine, binary, package;
  };
  for (const auto& names : {Names{"amd64", "q35", "qemu-system-x86_64", "qemu-system-x86"},
                            {"arm64", "virt", "qemu-system-aarch64", "qemu-system-arm"},
                            {"ppc64le", "pseries", "qemu-system-ppc64", "qemu-system-ppc"},
                            {"s390x", "s390-ccw-virtio", "qemu-system-s390x", "qemu-system-misc"}}) {
    const auto& arch = arch_of(names.arch);
    EXPECT_EQ(arch.default_machine(), names.machine);
    EXPECT_EQ(arch.binary(), names.binary);
    EXPECT_EQ(arch.package(), names.package);
  }
}

TEST(Refuses, WhatNoMachineOfTheArchitectureHas) {
  const Change other = [](auto& q) { q.config.machine.type = "nope"; };
  EXPECT_EQ(refusal("arm64", other), "invalid_config: machine.type: unknown machine 'nope' for arm64; it has virt");
  EXPECT_EQ(refusal("ppc64le", other),
            "invalid_config: machine.type: unknown machine 'nope' for ppc64le; it has pseries");
  EXPECT_EQ(refusal("s390x", other),
            "invalid_config: machine.type: unknown machine 'nope' for s390x; it has s390-ccw-virtio");
  const Change iommu = [](auto& q) { q.config.machine.iommu = true; };
  EXPECT_EQ(refusal("arm64", iommu), "unsupported: machine.type virt: it has no IOMMU");
  EXPECT_EQ(refusal("ppc64le", iommu), "unsupported: machine.type pseries: it has no IOMMU");
  EXPECT_EQ(refusal("s390x", iommu), "unsupported: machine.type s390-ccw-virtio: it has no IOMMU");
  EXPECT_EQ(refusal("s390x", plug_memory),
            "unsupported: machine.type s390-ccw-virtio: memory cannot be plugged; leave memory.max_size out");
}

TEST(Refuses, MoreVcpusThanTheLimit) {
  for (const auto name : architectures) {
    Question question{name};
    const auto limit = question.arch.max_vcpus(question.in());
    const auto said = refusal(name, [&](auto& q) { q.config.cpu.count = limit + 1; });
    EXPECT_NE(said.find("at most " + std::to_string(limit) + " vCPUs, cpu.count is"), std::string::npos) << said;
  }
}

TEST(Refuses, TheHostsCpuWithoutKvm) {
  for (const auto name : architectures) {
    EXPECT_EQ(refusal(name, [](auto& q) { q.config.cpu.model = "host"; }),
              "unsupported: cpu.model: 'host' needs KVM; leave it out or name a model");
  }
}

TEST(Refuses, NvdimmWithTheMachinesReason) {
  EXPECT_EQ(refusal("arm64", use_nvdimm),
            "unsupported: machine.type virt: boot.image_attachment nvdimm is not possible: it needs UEFI firmware: set "
            "boot.firmware or boot.pflash");
  EXPECT_EQ(refusal("ppc64le", use_nvdimm),
            "unsupported: machine.type pseries: boot.image_attachment nvdimm is not possible: guest kernels of pseries "
            "have no driver for it");
  EXPECT_EQ(refusal("s390x", use_nvdimm),
            "unsupported: machine.type s390-ccw-virtio: boot.image_attachment nvdimm is not possible: the machine has "
            "no non-volatile memory");
}

TEST(Arm64, TheInterruptControllerFollowsAcceleratorAndUser) {
  Question question{"arm64"};
  const auto gic = [&] { return option(question.arch.machine_options(question.in()), "gic-version"); };
  EXPECT_EQ(gic(), "3");
  question.with_kvm();
  EXPECT_EQ(gic(), "host");
  question.config.machine.options = {"gic-version=4"};
  EXPECT_EQ(gic(), "4");
}

TEST(Arm64, TheInterruptControllerLimitsTheVcpus) {
  Question question{"arm64"};
  for (const auto& [version, limit] : {std::pair{"2", 8U}, {"3", 123U}, {"4", 123U}, {"host", 123U}, {"max", 123U}}) {
    question.config.machine.options = {std::string{"gic-version="} + version};
    EXPECT_EQ(question.arch.max_vcpus(question.in()), limit) << version;
  }
  question.config.machine.options = {"gic-version=2"};
  question.config.cpu.count = 9;
  EXPECT_EQ(refusal("arm64", [&](auto& q) { q.config = question.config; }),
            "invalid_config: machine.type virt: at most 8 vCPUs, cpu.count is 9");
}

TEST(Arm64, TheHostsInterruptControllerNeedsKvm) {
  const Change host = [](auto& q) { q.config.machine.options = {"gic-version=host"}; };
  EXPECT_EQ(refusal("arm64", host),
            "unsupported: machine.options: gic-version=host needs KVM; leave it out or name a version");
  EXPECT_EQ(refusal("arm64", [&](auto& q) { host(q.with_kvm()); }), "accepted");
  EXPECT_EQ(refusal("arm64", [](auto& q) { q.config.machine.options = {"gic-version=max"}; }), "accepted");
}

TEST(Arm64, FlashImagesComeAsAPair) {
  EXPECT_EQ(refusal("arm64", use_pflash), "accepted");
  EXPECT_EQ(refusal("arm64", [](auto& q) { q.config.boot.pflash = {"/f/code.fd"}; }),
            "invalid_config: boot.pflash: an arm64 guest has two flash images, code and variables, or none; 1 is "
            "given");
  EXPECT_EQ(refusal("arm64", [](auto& q) { q.config.boot.pflash = {"/a", "/b", "/c"}; }),
            "invalid_config: boot.pflash: an arm64 guest has two flash images, code and variables, or none; 3 are "
            "given");
  EXPECT_EQ(refusal("arm64",
                    [](auto& q) {
                      use_pflash(q);
                      use_firmware(q);
                    }),
            "invalid_config: boot.firmware: it would stand in the same flash as boot.pflash; give one of them");
}

TEST(Arm64, FirmwareBringsNvdimm) {
  Question bare{"arm64"};
  EXPECT_FALSE(bare.arch.capabilities(bare.in()).has(Feature::nvdimm));
  for (const auto& use : {use_pflash, use_firmware}) {
    Question question{"arm64"};
    use(question);
    plug_memory(question);
    use_nvdimm(question);
    EXPECT_NO_THROW(question.arch.validate(question.in()));
    EXPECT_EQ(option(question.arch.machine_options(question.in()), "nvdimm"), "on");
    EXPECT_TRUE(question.arch.image(question.in()).nvdimm);
    EXPECT_FALSE(question.arch.image(question.in()).dax) << "guest kernels cannot map it";
    EXPECT_EQ(question.arch.memory(question.in()).max_mib, 1024U);
    EXPECT_TRUE(question.arch.capabilities(question.in()).has(Feature::nvdimm));
  }
}

TEST(Arm64, MemoryGrowsByVirtioMemAlone) {
  Question question{"arm64"};
  plug_memory(question);
  for (const bool said : {false, true}) {
    question.config.memory.virtio_mem = said;
    EXPECT_NO_THROW(question.arch.validate(question.in()));
    const auto memory = question.arch.memory(question.in());
    EXPECT_EQ(memory.virtio_mem_mib, 512U);
    EXPECT_EQ(memory.max_mib, 1024U);
    EXPECT_EQ(memory.slots, 0U) << "there are no modules";
  }
  EXPECT_TRUE(question.arch.capabilities(question.in()).has(Feature::resize_memory));
  EXPECT_TRUE(question.arch.capabilities(question.in()).has(Feature::shrink_memory));
  use_pflash(question);
  use_nvdimm(question);
  question.image_bytes = 1;
  EXPECT_NE(question.arch.memory(question.in()).slots, 0U) << "the image sits in one";
}

TEST(Memory, VirtioMemIsForMachinesThatHaveIt) {
  const auto with = [](std::uint64_t max_mib) {
    return [=](Question& q) {
      q.config.memory.virtio_mem = true;
      q.config.memory.max_size_mib = max_mib;
    };
  };
  EXPECT_EQ(refusal("amd64", with(1024)), "accepted");
  EXPECT_EQ(refusal("amd64", with(0)),
            "invalid_config: memory.virtio_mem: there is nothing to resize; set memory.max_size, too");
  EXPECT_EQ(refusal("amd64", with(639)),
            "invalid_config: memory.max_size: a virtio-mem device has blocks of 128 MiB; give at least as much above "
            "memory.size");
  EXPECT_EQ(refusal("amd64", with(640)), "accepted");
  EXPECT_EQ(refusal("ppc64le", with(1024)),
            "unsupported: memory.virtio_mem: machine pseries has no virtio-mem device; leave it out");
  Question question{"amd64"};
  with(1000)(question);
  EXPECT_EQ(question.arch.memory(question.in()).virtio_mem_mib, 384U) << "whole blocks";
  question.config.memory.virtio_mem = false;
  EXPECT_EQ(question.arch.memory(question.in()).virtio_mem_mib, 0U) << "it grows by modules";
}

TEST(Memory, HasRoomForTheImageAsNonVolatileMemoryAndForNoOther) {
  constexpr std::uint64_t mib = 1U << 20U;
  Question question{"amd64"};
  const auto max_mib = [&] { return question.arch.memory(question.in()).max_mib; };
  question.image_bytes = 3072 * mib;
  EXPECT_EQ(max_mib(), 0U) << "a disk takes no memory";
  plug_memory(question);
  EXPECT_EQ(max_mib(), 1024U);
  question.config.memory.offset_mib = 16;
  EXPECT_EQ(max_mib(), 1040U);
  use_nvdimm(question);
  EXPECT_EQ(max_mib(), 1024U + 3072U + 16U);
  question.image_bytes += 1;
  EXPECT_EQ(max_mib(), 1024U + 3072U + 128U + 16U) << "rounded up to a block";
  question.config.memory = {.size_mib = 512};
  EXPECT_EQ(max_mib(), 512U + 3072U + 128U) << "nothing is plugged, the image needs its room";
  EXPECT_NE(question.arch.memory(question.in()).slots, 0U);
  question.image_bytes = 0;
  EXPECT_EQ(max_mib(), 0U) << "QEMU refuses slots without room";
}

TEST(Ppc64le, MemoryIsRoundedUpToItsBlocks) {
  Question question{"ppc64le"};
  question.config.memory.size_mib = 700;
  EXPECT_EQ(question.arch.memory(question.in()).size_mib, 768U);
  question.config.memory.max_size_mib = 1000;
  question.config.memory.offset_mib = 100;
  const auto memory = question.arch.memory(question.in());
  EXPECT_EQ(memory.max_mib, 1280U) << "1000 + 100, rounded up";
  EXPECT_EQ(memory.block_mib, 256U);
  EXPECT_NE(memory.slots, 0U);
}

TEST(Ppc64le, MitigationsAreLeftAloneUnderKvm) {
  Question question{"ppc64le"};
  EXPECT_EQ(option(question.arch.machine_options(question.in()), "cap-cfpc"), "broken");
  EXPECT_TRUE(question.arch.machine_options(question.with_kvm().in()).empty());
}

TEST(Ppc64le, TheFastFirmwareNeedsTheSerialConsole) {
  const auto with = [](ConsoleType type, const std::string& option = "x-vof=on") {
    return refusal("ppc64le", [&](auto& q) {
      q.config.console.type = type;
      q.config.machine.options = {option};
    });
  };
  const std::string refused =
      "invalid_config: machine.options: x-vof=on needs the serial console: without one that firmware hangs silently";
  EXPECT_EQ(with(ConsoleType::automatic), "accepted");
  EXPECT_EQ(with(ConsoleType::serial), "accepted");
  EXPECT_EQ(with(ConsoleType::virtio), refused);
  EXPECT_EQ(with(ConsoleType::none), refused);
  for (const auto* on : {"yes", "true", "y"}) {
    EXPECT_EQ(with(ConsoleType::none, std::string{"x-vof="} + on), refused) << on;
  }
  EXPECT_EQ(with(ConsoleType::none, "x-vof=off"), "accepted");
}

TEST(Refuses, FlashWhereThereIsNone) {
  EXPECT_EQ(refusal("ppc64le", use_pflash),
            "unsupported: boot.pflash: machine.type pseries has no flash; use boot.firmware, or leave it out");
  EXPECT_EQ(refusal("s390x", use_pflash),
            "unsupported: boot.pflash: machine.type s390-ccw-virtio has no flash; leave it out");
  for (const auto* machine : {"q35", "pc", "microvm"}) {
    const auto got = refusal("amd64", [&](auto& q) {
      use_pflash(q);
      q.config.machine.type = machine;
    });
    const bool has_flash = std::string_view{machine} != "microvm";
    EXPECT_EQ(got, has_flash ? "accepted"
                             : "unsupported: boot.pflash: machine.type microvm has no flash; use boot.firmware, or "
                               "leave it out");
  }
  for (const auto* name : {"ppc64le", "s390x"}) {
    Question question{name};
    use_firmware(question);
    EXPECT_NO_THROW(question.arch.validate(question.in()));
    EXPECT_EQ(question.arch.firmware(question.in()).bios, "/f/efi.fd");
  }
}

TEST(VirtioFs, IsRefusedWhereHostAndGuestDoNotUnderstandEachOther) {
  const auto refused = [](std::string_view arch, const std::string& host) {
    Question question{arch};
    question.host.arch = host;
    return question.arch.devices(question.in()).virtio_fs_refusal;
  };
  EXPECT_EQ(refused("amd64", "amd64"), "");
  EXPECT_EQ(refused("arm64", "amd64"), "");
  EXPECT_EQ(refused("ppc64le", "ppc64le"), "");
  EXPECT_EQ(refused("s390x", "s390x"), "");
  EXPECT_EQ(refused("ppc64le", "amd64"),
            "the flags of open() differ between this host and a ppc64le guest; use a 9p share");
  EXPECT_EQ(refused("s390x", "amd64"), "the byte order differs between this host and an s390x guest; use a 9p share");
}

TEST(KernelParams, AreFew) {
  const auto params = [](std::string_view arch) {
    const Question question{arch};
    return serialize_params(question.arch.kernel_params(question.in()), "=");
  };
  EXPECT_EQ(params("amd64"), std::vector<std::string>{});
  EXPECT_EQ(params("arm64"), std::vector<std::string>{"iommu.passthrough=0"});
  EXPECT_EQ(params("ppc64le"),
            (std::vector<std::string>{"rcupdate.rcu_expedited=1", "reboot=k", "cryptomgr.notests", "net.ifnames=0"}));
  EXPECT_EQ(params("s390x"), std::vector<std::string>{});
}

TEST(Globals, OfTheX86TimerAreForX86Alone) {
  for (const auto name : architectures) {
    Question question{name};
    EXPECT_EQ(question.arch.globals(question.with_kvm().in()).empty(), name != "amd64") << name;
  }
}

}  // namespace
}  // namespace visor::test
