# SPDX-License-Identifier: Apache-2.0
set(visor_process_test_sources adopt_test.cpp channel_test.cpp codec_test.cpp console_test.cpp fixture.cpp
  identity_test.cpp journal_test.cpp launch_test.cpp left_over_test.cpp life_test.cpp
  peers_test.cpp raw_launch_test.cpp spec_test.cpp stop_test.cpp)
