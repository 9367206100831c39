# SPDX-License-Identifier: BSD-3-Clause
# CHAOS_SANITIZE=address,undefined builds everything under those sanitizers.
if(CHAOS_SANITIZE)
  add_compile_options(-fsanitize=${CHAOS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHAOS_SANITIZE})
endif()
