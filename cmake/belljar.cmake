# SPDX-License-Identifier: GPL-3.0-or-later
# bj_library(NAME SOURCES ... [DEPS ...])           one folder of src/ = one static library bj_NAME
# bj_test(NAME SOURCES ... [DEPS ...] [TIMEOUT s])  a cmocka program, run by CTest from the source folder
# bj_fuzzer(NAME SOURCES ... [DEPS ...])            LLVMFuzzerTestOneInput; seeds in fuzz-NAME.seeds/, dictionary fuzz-NAME.dict
#                                                   beside it. Without BELLJAR_FUZZ it replays seeds (plus cut and flipped
#                                                   ones) under CTest.
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET GLOBAL jansson)

# Flags of everything that runs on the host. Guest programs do not link this.
add_library(bj_flags INTERFACE)
target_compile_options(bj_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wpointer-arith -Wundef -Wno-missing-field-initializers -fno-strict-aliasing -fstack-protector-strong
  -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64)
target_include_directories(bj_flags INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../src ${CMAKE_CURRENT_LIST_DIR}/../guest)
if(BELLJAR_WERROR)
  target_compile_options(bj_flags INTERFACE -Werror)
endif()
if(BELLJAR_SANITIZE)
  target_compile_options(bj_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(bj_flags INTERFACE -fsanitize=address,undefined)
else()
  target_compile_options(bj_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(bj_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(BELLJAR_FUZZ)
  target_compile_options(bj_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(bj_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_library(bj_${name} STATIC ${A_SOURCES})
  target_link_libraries(bj_${name} PUBLIC bj_flags ${A_DEPS})
endfunction()

function(bj_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  add_executable(test-${name} ${A_SOURCES})
  target_link_libraries(test-${name} PRIVATE bj_flags ${A_DEPS} cmocka)
  add_test(NAME ${name} COMMAND test-${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} LABELS unit)
endfunction()

function(bj_fuzzer name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(fuzz-${name} ${A_SOURCES})
  target_link_libraries(fuzz-${name} PRIVATE bj_flags ${A_DEPS})
  if(BELLJAR_FUZZ)
    target_link_options(fuzz-${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz-${name} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../tests/fuzz-replay.c)
    add_test(NAME fuzz-${name} COMMAND fuzz-${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz-${name}.seeds)
    set_tests_properties(fuzz-${name} PROPERTIES TIMEOUT 300 LABELS fuzz)
  endif()
endfunction()
