deaf_memory := 1
