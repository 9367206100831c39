/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives the guest's C library names of its own beside the host's. Include after the host's headers.
 */
#define memcpy    guest_memcpy
#define memmove   guest_memmove
#define memset    guest_memset
#define memcmp    guest_memcmp
#define strlen    guest_strlen
#define strnlen   guest_strnlen
#define strcmp    guest_strcmp
#define strncmp   guest_strncmp
#define strchr    guest_strchr
#define vsnprintf guest_vsnprintf
#define snprintf  guest_snprintf
