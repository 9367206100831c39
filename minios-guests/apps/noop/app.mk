noop_memory := 1
noop_store := y
