# SPDX-License-Identifier: BSD-3-Clause
# chaos_use_musl(TARGET): compiles and links a program statically against musl (Debian: musl-tools).
# glibc's start-up touches 28 pages, musl's 5, and a page fault costs some 25 us in a PV domain: a
# third of what a whole `chaos create` may take.
option(CHAOS_MUSL "Link the command against musl where musl-tools is installed" ON)
find_file(CHAOS_MUSL_SPECS musl-gcc.specs PATHS /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl)

set(CHAOS_HAVE_MUSL OFF)
if(CHAOS_MUSL AND CHAOS_MUSL_SPECS AND NOT CHAOS_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  set(CHAOS_HAVE_MUSL ON)
endif()

# The headers of the kernel, of Xen and of lz4, without glibc's beside them.
function(chaos_musl_includes folder)
  file(MAKE_DIRECTORY ${folder})
  file(GLOB headers /usr/include/linux /usr/include/asm-generic /usr/include/xen* /usr/include/lz4.h
       /usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu/asm)
  foreach(header ${headers})
    get_filename_component(name ${header} NAME)
    file(CREATE_LINK ${header} ${folder}/${name} SYMBOLIC)
  endforeach()
endfunction()

function(chaos_use_musl target)
  set(includes ${CMAKE_BINARY_DIR}/musl-include)
  chaos_musl_includes(${includes})
  target_compile_options(${target} PRIVATE
    -specs=${CHAOS_MUSL_SPECS} -isystem ${includes} -include ${CMAKE_SOURCE_DIR}/chaos/musl/compat.h)
  # One segment for code and constants: each further one is a mapping and a fault more.
  target_link_options(${target} PRIVATE -specs=${CHAOS_MUSL_SPECS} LINKER:-z,noseparate-code)
endfunction()

# The target's memory comes from chaos/musl/near.c first.
function(chaos_wrap_memory target)
  foreach(name malloc calloc realloc free mmap)
    target_link_options(${target} PRIVATE LINKER:--wrap=${name})
  endforeach()
endfunction()

# What the usual commands need of the target comes first in it; the map is for bench/order. No room for relro: musl's start-up
# protects none in a program that is linked statically.
function(chaos_lay_out target)
  set(folder ${CMAKE_SOURCE_DIR}/chaos/musl)
  target_link_options(${target} PRIVATE -L${folder} LINKER:-T,${folder}/layout.ld LINKER:-z,norelro
    LINKER:-Map=${CMAKE_CURRENT_BINARY_DIR}/$<TARGET_FILE_BASE_NAME:${target}>.map)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS
    ${folder}/layout.ld ${folder}/first-rodata.ld ${folder}/first-text.ld)
endfunction()
