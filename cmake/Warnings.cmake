# SPDX-License-Identifier: BSD-3-Clause
# The warning set of all user-space code.
add_compile_options(
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith
  -Wvla -Wformat=2 -Wundef -fno-common -fno-strict-aliasing)
if(CHAOS_WERROR)
  add_compile_options(-Werror)
endif()
