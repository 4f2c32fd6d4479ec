// SPDX-License-Identifier: Apache-2.0
// visor_qmp_stress [--threads N] [--sessions N] [--commands N] [--seed N] [--watchdog SECONDS]: commands with random
// deadlines and cancellations on sessions that end at random. Exit code 0: each ended once, with its own answer.
#include "stress_run.hpp"
#include "visor/core/error.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <random>

namespace {

namespace po = boost::program_options;

std::size_t open_fds() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {}));
}

int run(const visor::stress::StressOptions& options) {
  std::cout << "seed " << options.seed << ": " << options.commands << " commands, " << options.threads << " threads, "
            << options.sessions << " sessions" << std::endl;
  const auto before = open_fds();
  const bool right = visor::stress::StressRun{options}.run();
  const auto after = open_fds();
  if (after != before) std::cerr << "problem: " << before << " descriptors before, " << after << " after" << std::endl;
  return right && after == before ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  visor::stress::StressOptions options;
  options.seed = std::random_device{}();
  unsigned watchdog = 120;
  po::options_description known{"Options"};
  known.add_options()("help", "this text")                                                            //
      ("threads", po::value(&options.threads)->default_value(options.threads), "that make calls")     //
      ("sessions", po::value(&options.sessions)->default_value(options.sessions), "that they share")  //
      ("commands", po::value(&options.commands)->default_value(options.commands), "in all")           //
      ("seed", po::value(&options.seed), "of all that is random; another one each time")              //
      ("watchdog", po::value(&watchdog)->default_value(watchdog), "seconds that no step may take");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, known), given);
  po::notify(given);
  if (given.count("help") != 0) {
    std::cout << known;
    return 0;
  }
  options.threads = std::max(options.threads, 1U);
  options.sessions = std::max(options.sessions, 1U);
  options.watchdog = std::chrono::seconds{watchdog};
  return run(options);
} catch (const std::exception& error) {
  std::cerr << "visor_qmp_stress: " << error.what() << std::endl;
  return 2;
}
