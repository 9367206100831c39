crash_memory := 1
