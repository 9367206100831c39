# SPDX-License-Identifier: BSD-3-Clause
# chaos_add_unit_test(NAME SOURCES... [LIBS ...]): a cmocka program that sees libchaos from inside.
# It skips itself with exit status 77.
function(chaos_add_unit_test name)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  add_executable(test_${name} ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(test_${name} PRIVATE
    ${CMAKE_SOURCE_DIR}/libchaos/src ${CMAKE_SOURCE_DIR}/libchaos/util
    ${CMAKE_SOURCE_DIR}/noxs-kmod/uapi)
  target_link_libraries(test_${name} PRIVATE chaos_lib cmocka ${arg_LIBS})
  add_test(NAME unit.${name} COMMAND test_${name})
  set_tests_properties(unit.${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)
endfunction()
