// SPDX-License-Identifier: Apache-2.0
// How many instructions a piece of work takes, which no other load of the machine changes: the
// processor traps behind each one while its trap flag is set, and a signal handler counts. Useless
// under sanitizers, whose instructions are others.
#pragma once

#include <csignal>
#include <cstdint>

namespace linehunt::test {

inline volatile std::uint64_t steps = 0;

inline void count_step(int) {
  steps = steps + 1;
}

// The flags are changed on the stack, below what the compiler may keep there (the red zone).
inline void set_trap_flag() {
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n"
               "lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
}
inline void clear_trap_flag() {
  asm volatile("lea -128(%%rsp), %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n popfq\n"
               "lea 128(%%rsp), %%rsp" ::
                   : "cc", "memory");
}

template <class Work>
std::uint64_t instructions(const Work& work) {
  struct sigaction counting {
  }, before{};
  counting.sa_handler = count_step;
  sigaction(SIGTRAP, &counting, &before);
  steps = 0;
  set_trap_flag();
  work();
  clear_trap_flag();
  sigaction(SIGTRAP, &before, nullptr);
  return steps;
}

} // namespace linehunt::test
