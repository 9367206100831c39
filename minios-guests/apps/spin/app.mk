spin_memory := 1
