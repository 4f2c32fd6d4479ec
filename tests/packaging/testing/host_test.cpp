// SPDX-License-Identifier: Apache-2.0
// Tests a host program: a VM of the QEMU plugin, on the program that stands in for QEMU.
#include "visor/core/error.hpp"
#include "visor/core/params.hpp"
#include "visor/runtime/runtime.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

using namespace std::chrono_literals;

int main(int, char** argv) try {
  visor::VmConfig config;
  config.hypervisor = "qemu-amd64";
  config.machine.accelerator = visor::Accelerator::tcg;
  config.ephemeral = true;
  for (const auto* file : {"kernel", "initrd"}) std::ofstream{file} << "not really one";
  config.boot.kernel = std::filesystem::absolute("kernel").string();
  config.boot.initrd = std::filesystem::absolute("initrd").string();
  config.host.hypervisor_path = argv[1];
  visor::add_param(config.host.hypervisor_params, "fake", "stop=error:not today");

  visor::Runtime runtime{{}};
  const auto vm = runtime.create(config);
  vm->start(60s);
  try {
    vm->pause(60s);
    return 1;
  } catch (const visor::Error& error) {
    std::cout << error.message() << '\n';
  }
  std::cout << to_string(vm->stop({}, 60s).exit.cause) << '\n';
  vm->disconnect();
  runtime.remove(vm->id(), false, 5s);
  return 0;
} catch (const visor::Error& error) {
  std::cerr << error.message() << '\n';
  return 1;
}
