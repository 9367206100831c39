noop_memory := 1
