# SPDX-License-Identifier: GPL-3.0-or-later
# guest_tracer: the eBPF tracer as a static library for the agent. No sanitizers: it runs in the guest.
find_program(BELLJAR_BPF_CLANG NAMES clang-19 clang REQUIRED)
find_program(BELLJAR_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
set(BELLJAR_BPF_OUT ${CMAKE_CURRENT_BINARY_DIR}/bpf)
file(MAKE_DIRECTORY ${BELLJAR_BPF_OUT})
file(GLOB BELLJAR_BPF_FILES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/bpf/*.c ${CMAKE_CURRENT_SOURCE_DIR}/bpf/*.h)

add_custom_command(
  OUTPUT ${BELLJAR_BPF_OUT}/tracer.bpf.o
  COMMAND ${BELLJAR_BPF_CLANG} -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wno-unused-function ${BELLJAR_GUEST_OPTIONS}
          -I${CMAKE_SOURCE_DIR}/src -I/usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu
          -c ${CMAKE_CURRENT_SOURCE_DIR}/bpf/tracer.bpf.c -o tracer.bpf.o
  WORKING_DIRECTORY ${BELLJAR_BPF_OUT}
  DEPENDS ${BELLJAR_BPF_FILES} ${CMAKE_SOURCE_DIR}/src/event/schema.def
  VERBATIM)
add_custom_command(
  OUTPUT ${BELLJAR_BPF_OUT}/tracer.skel.h
  COMMAND ${CMAKE_COMMAND} -E env sh -c "'${BELLJAR_BPFTOOL}' gen skeleton tracer.bpf.o name tracer_bpf > tracer.skel.h"
  WORKING_DIRECTORY ${BELLJAR_BPF_OUT}
  DEPENDS ${BELLJAR_BPF_OUT}/tracer.bpf.o
  VERBATIM)

add_library(guest_tracer STATIC tracer.c tracer-scan.c tracer-decode.c tracer-names.c tracer-text.c
  ${BELLJAR_BPF_OUT}/tracer.skel.h)
target_compile_options(guest_tracer PRIVATE -Wall -Wextra -Wshadow -D_GNU_SOURCE -Os ${BELLJAR_GUEST_OPTIONS})
target_include_directories(guest_tracer PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/src PRIVATE ${BELLJAR_BPF_OUT})
# What the static libelf of Debian 13 lacks; where it is whole nothing of this is linked.
add_library(guest_libelf_gaps STATIC libelf-gaps.c)
target_compile_options(guest_libelf_gaps PRIVATE -Wall -Wextra -Os ${BELLJAR_GUEST_OPTIONS})
# The order is the linker's: libbpf needs libelf needs libz, and on Debian 13 libzstd.
target_link_libraries(guest_tracer PUBLIC libbpf.a libelf.a guest_libelf_gaps libzstd.a libz.a)

# The check: the kernel of the guest image, the tracer, and a program that does everything once. Not part of the product.
add_executable(guest-watch EXCLUDE_FROM_ALL bpf-check/watch.c)
target_link_libraries(guest-watch PRIVATE guest_tracer)
add_executable(guest-exercise EXCLUDE_FROM_ALL bpf-check/exercise.c)
target_compile_options(guest-exercise PRIVATE -O1)
foreach(program guest-watch guest-exercise)
  target_compile_options(${program} PRIVATE -Wall -Wextra -D_GNU_SOURCE)
  target_link_options(${program} PRIVATE -static)
  set_target_properties(${program} PROPERTIES LINK_SEARCH_START_STATIC ON LINK_SEARCH_END_STATIC ON)
endforeach()
find_program(BELLJAR_PYTHON python3)
if(NOT BELLJAR_GUEST_ONLY AND BELLJAR_PYTHON)
  set_target_properties(guest-watch guest-exercise PROPERTIES EXCLUDE_FROM_ALL OFF)
  add_test(NAME guest-tracer COMMAND ${BELLJAR_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/bpf-check/check.py
    $<TARGET_FILE:guest-watch> $<TARGET_FILE:guest-exercise>)
  set_tests_properties(guest-tracer PROPERTIES LABELS e2e TIMEOUT 600 SKIP_RETURN_CODE 77)
endif()
if(NOT BELLJAR_GUEST_ONLY)
  bj_test(tracer-decode SOURCES test-tracer-decode.c tracer-decode.c tracer-names.c tracer-text.c)
  bj_fuzzer(tracer-decode SOURCES fuzz-tracer-decode.c tracer-decode.c tracer-names.c tracer-text.c)
endif()
