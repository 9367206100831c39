selftest_memory := 16
