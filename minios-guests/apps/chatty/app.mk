chatty_memory := 1
