/* SPDX-License-Identifier: BSD-3-Clause */
/* Seconds since 1970 as a date of the Gregorian calendar. */
#include "date.h"

static const char *const days[] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                   "Monday",   "Tuesday", "Wednesday"};
static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

static bool is_leap(uint64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of(unsigned month, uint64_t year)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return lengths[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

int date_format(char *text, size_t size, uint64_t seconds)
{
    uint64_t day = seconds / 86400;
    unsigned second = (unsigned)(seconds % 86400);
    const char *weekday = days[day % 7];
    uint64_t year = 1970;
    unsigned month = 0;

    year += day / 146097 * 400; /* the calendar repeats after 400 years */
    day %= 146097;
    for (; day >= (is_leap(year) ? 366u : 365u); year++)
        day -= is_leap(year) ? 366u : 365u;
    for (; day >= days_of(month, year); month++)
        day -= days_of(month, year);
    return snprintf(text, size, "%s, %s %lu, %lu %02u:%02u:%02u-UTC\r\n", weekday, months[month],
                    day + 1, year, second / 3600, second / 60 % 60, second % 60);
}
