# SPDX-License-Identifier: BSD-3-Clause
# chaos_add_fuzzer(NAME SOURCES... [INCLUDES DIR...] [CORPUS DIR...] [LIBS LIB...])
# A libFuzzer target NAME, and a test that runs it for CHAOS_FUZZ_SECONDS, starting from the files
# in CORPUS. Built with clang, sanitizers on, whatever the compiler of the rest is.
set(CHAOS_FUZZ_SECONDS 10 CACHE STRING "How long a test runs each fuzzer")
find_program(CHAOS_FUZZ_CLANG clang)

function(chaos_add_fuzzer name)
  cmake_parse_arguments(arg "" "" "INCLUDES;CORPUS;LIBS" ${ARGN})
  set(binary ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(found ${CMAKE_CURRENT_BINARY_DIR}/corpus-${name})
  file(MAKE_DIRECTORY ${found})
  list(TRANSFORM arg_LIBS PREPEND -l)
  list(TRANSFORM arg_INCLUDES PREPEND -I OUTPUT_VARIABLE includes)
  list(TRANSFORM arg_INCLUDES APPEND /*.h OUTPUT_VARIABLE patterns)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${patterns})
  set(sources)
  foreach(source ${arg_UNPARSED_ARGUMENTS})
    get_filename_component(path ${source} ABSOLUTE)
    list(APPEND sources ${path})
  endforeach()
  add_custom_command(
    OUTPUT ${binary}
    COMMAND ${CHAOS_FUZZ_CLANG} -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer
            -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all ${includes} ${sources}
            ${arg_LIBS} -o ${binary}
    DEPENDS ${sources} ${headers}
    COMMENT "Building fuzzer ${name}"
    VERBATIM)
  add_custom_target(build-${name} ALL DEPENDS ${binary})
  add_test(NAME ${name} COMMAND ${binary} -max_total_time=${CHAOS_FUZZ_SECONDS} -timeout=10
           -rss_limit_mb=1024 -print_final_stats=1 ${found} ${arg_CORPUS})
endfunction()
