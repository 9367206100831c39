# SPDX-License-Identifier: BSD-3-Clause
"""What is said of a series of numbers."""
import math
import statistics


def percentile(values, percent):
    """The smallest value that at least `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def tenths(values):
    """The first and the last tenth of a series."""
    size = max(1, len(values) // 10)
    return values[:size], values[-size:]


def tenth_ratio(values):
    """Median of the last tenth over median of the first tenth: how the cost grows with N."""
    first, last = tenths(values)
    return statistics.median(last) / statistics.median(first)


def summary(values):
    """Median, p99 and growth of a series in its order of time."""
    return {"n": len(values), "median": statistics.median(values),
            "p99": percentile(values, 99), "growth": tenth_ratio(values)}
